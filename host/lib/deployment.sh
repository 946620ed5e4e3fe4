# Deployments: which bundles were applied when, for the monitor, which watches the host for a while after each. Applies
# that follow one another within ten minutes are one.

readonly DEPLOYMENT=$STATE/deployment SAME_DEPLOYMENT_SECONDS=600

# remember_deployment NAME: after its commit. What the host repairs or takes back by itself is no deployment.
remember_deployment() {
  [[ -z $BOOTING && -z $STORED && -z $REVERTING ]] || return 0
  local id='' started='' last=0 bundles='' now
  printf -v now '%(%s)T' -1
  [[ ! -r $DEPLOYMENT ]] || read -r id started last bundles <"$DEPLOYMENT" || :
  if ((now - last > SAME_DEPLOYMENT_SECONDS || now < last)); then
    TZ=UTC printf -v id '%(%Y%m%dT%H%M%SZ)T' "$now"
    started=$now bundles=''
  fi
  [[ " $bundles " == *" $1 "* ]] || bundles+=${bundles:+ }$1
  printf '%s %s %s %s\n' "$id" "$started" "$now" "$bundles" >"$DEPLOYMENT.new"
  mv -T -- "$DEPLOYMENT.new" "$DEPLOYMENT"
  publish_deployment
}

# publish_deployment: where the monitor's container can read it.
publish_deployment() {
  local id started last bundles
  [[ -d $RUN && -r $DEPLOYMENT ]] || return 0
  read -r id started last bundles <"$DEPLOYMENT" || return 0
  printf '{"id": "%s", "startedAt": %s, "appliedAt": %s, "bundles": ["%s"]}\n' \
    "$id" "$started" "$last" "${bundles// /\", \"}" >"$RUN/deployment.json.new"
  mv -T -- "$RUN/deployment.json.new" "$RUN/deployment.json"
}
