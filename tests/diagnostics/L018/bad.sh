mkdir specs
cp service.yaml elsewhere.yaml
ln -s ../elsewhere.yaml specs/chat.yaml
obsc validate specs platform.yaml
