obsc compile service.yaml sidecar.yaml
echo '# mine' >> out/default/manifests/ai-prod/support-chat/dashboard.yaml
obsc compile service.yaml platform.yaml
