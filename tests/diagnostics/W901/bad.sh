echo notes > out
obsc compile service.yaml platform.yaml
