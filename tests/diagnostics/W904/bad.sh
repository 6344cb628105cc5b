mkdir -p out/default/artifacts elsewhere
ln -s ../../../elsewhere out/default/artifacts/ai-prod
obsc compile service.yaml platform.yaml
