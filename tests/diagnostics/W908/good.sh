obsc compile service.yaml platform.yaml
