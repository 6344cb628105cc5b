obsc verify configmap.yaml
