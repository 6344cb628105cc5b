echo notes > notes.txt
obsc compile service.yaml platform.yaml
