obsc validate bad.yaml platform.yaml --infos
