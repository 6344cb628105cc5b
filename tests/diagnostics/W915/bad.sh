obsc compile service.yaml platform.yaml
mkdir out/.obsc-staging
echo '{"steps": [{"path": "../specs/service.yaml", "new": null, "old": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}]}' > out/.obsc-staging/journal.json
obsc compile service.yaml platform.yaml
