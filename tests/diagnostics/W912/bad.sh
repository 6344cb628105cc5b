mkdir specs
obsc validate specs
