obsc compile service.yaml platform.yaml
echo '<<<<<<< HEAD' > out/default/artifacts/ai-prod/support-chat/.obsc.json
obsc compile service.yaml platform.yaml
