cp service.yaml big.yaml
printf 'metrics:\n  discovery: static\n  staticConfigs:\n  - targets:\n' >> big.yaml
seq -f '    - "a-host-with-a-long-name-%05.0f.ai-prod.svc:8000"' 1 19000 >> big.yaml
obsc compile big.yaml platform.yaml
