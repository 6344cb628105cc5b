obsc compile service.yaml platform.yaml
echo '{}' > out/default/artifacts/ai-prod/support-chat/part.json
obsc link out --platform platform.yaml
