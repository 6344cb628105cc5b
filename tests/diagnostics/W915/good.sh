obsc compile service.yaml platform.yaml
mkdir out/.obsc-staging
echo 'left by a run that was killed' > out/.obsc-staging/0.new
obsc compile service.yaml platform.yaml
