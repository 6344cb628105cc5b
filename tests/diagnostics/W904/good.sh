mkdir -p out/default/artifacts/ai-prod
obsc compile service.yaml platform.yaml
