obsc validate sepcs platform.yaml
