obsc compile service.yaml platform.yaml
obsc link out --platform platform.yaml
