obsc verify service.yaml --infos --platform platform.yaml
