obsc compile service.yaml platform.yaml
obsc compile platform.yaml --prune
