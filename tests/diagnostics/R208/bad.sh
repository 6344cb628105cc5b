obsc compile service.yaml platform.yaml --env prd
