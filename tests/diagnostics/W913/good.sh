sed s/support-chat/sales-chat/ service.yaml > sales.yaml
obsc compile service.yaml sales.yaml platform.yaml
obsc compile service.yaml platform.yaml --prune
