obsc verify bad.yaml --infos
