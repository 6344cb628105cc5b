obsc compile service.yaml platform.yaml
sed -i '3s|"[^"]*"|"../prod/artifacts/platform/prometheus.yml"|' out/default/artifacts/ai-prod/support-chat/.obsc.json
obsc compile service.yaml platform.yaml
