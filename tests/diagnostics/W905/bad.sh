obsc compile service.yaml platform.yaml
sed '3s|"[^"]*"|"../prod/artifacts/platform/prometheus.yml"|' out/default/artifacts/ai-prod/support-chat/.obsc.json > list && mv list out/default/artifacts/ai-prod/support-chat/.obsc.json
obsc compile service.yaml platform.yaml
