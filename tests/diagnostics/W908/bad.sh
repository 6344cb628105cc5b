# Another run writes to out/ at the same time.
obsc compile service.yaml platform.yaml
