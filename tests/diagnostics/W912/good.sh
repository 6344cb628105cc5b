mkdir specs
cp service.yaml platform.yaml specs
obsc validate specs
