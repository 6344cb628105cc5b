obsc compile service.yaml platform.yaml
cp -r out copy
obsc link out copy --platform platform.yaml
