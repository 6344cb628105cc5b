obsc compile service.yaml platform.yaml
obsc compile service.yaml platform.yaml --prune
