obsc compile service.yaml platform.yaml --env prod
