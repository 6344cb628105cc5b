obsc verify good.yaml --infos
