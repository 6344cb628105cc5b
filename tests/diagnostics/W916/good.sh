mkdir specs && for n in 15 17 22 24 27 29 36 39 43 44 47 50 53 54 58 63; do sed "s/support-chat/support-chat-$n/" service.yaml > specs/$n.yaml; done
sed "s/capacity: 8/capacity: 64/" platform.yaml > larger.yaml
obsc compile specs larger.yaml
