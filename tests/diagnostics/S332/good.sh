obsc validate good.yaml platform.yaml --infos
