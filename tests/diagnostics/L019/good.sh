mkdir specs
cp service.yaml specs/chat.yaml
obsc validate specs platform.yaml
