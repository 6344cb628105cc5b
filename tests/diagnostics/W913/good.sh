sed s/support-chat/sales-chat/ service.yaml > sales.yaml
obsc compile service.yaml sales.yaml platform.yaml
rm -r out/default/artifacts/ai-prod/sales-chat
obsc compile service.yaml platform.yaml
