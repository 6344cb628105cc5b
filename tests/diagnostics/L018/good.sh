mkdir specs
cp service.yaml elsewhere.yaml
cp elsewhere.yaml specs/chat.yaml
obsc validate specs platform.yaml
