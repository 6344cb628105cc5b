obsc compile service.yaml platform.yaml
echo 'call Ada first' > out/default/artifacts/ai-prod/support-chat/notes.md
obsc compile service.yaml platform.yaml
