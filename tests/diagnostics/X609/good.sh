obsc verify service.yaml --infos
