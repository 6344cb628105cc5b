obsc compile service.yaml sidecar.yaml
obsc compile service.yaml platform.yaml
