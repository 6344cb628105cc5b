cp configmap.yaml big.yaml
printf '  notes: "%0270000d"\n' 0 >> big.yaml
obsc verify big.yaml
