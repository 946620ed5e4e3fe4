# Deployments: which bundles were applied when, for the monitor, which watches the host for a while after each. Applies
# that follow one another within ten minutes are one.
# Reads BOOTING, STORED, REVERTING; sets LAST (id, started, last, bundles of the last deployment, or nothing).

readonly DEPLOYMENT=$STATE/deployment SAME_DEPLOYMENT_SECONDS=600

declare -a LAST=()

# remember_deployment NAME: after its commit. What the host repairs or takes back by itself is no deployment.
remember_deployment() {
  [[ -z $BOOTING && -z $STORED && -z $REVERTING ]] || return 0
  local id started bundles now
  printf -v now '%(%s)T' -1
  last_deployment
  id=${LAST[0]-} started=${LAST[1]-} bundles=${LAST[3]-}
  if [[ -z $id ]] || ((now - LAST[2] > SAME_DEPLOYMENT_SECONDS || now < LAST[2])); then
    TZ=UTC printf -v id '%(%Y%m%dT%H%M%SZ)T' "$now"
    started=$now bundles=''
  fi
  [[ " $bundles " == *" $1 "* ]] || bundles+=${bundles:+ }$1
  LAST=("$id" "$started" "$now" "$bundles")
  tell_monitor write_deployment
}

# write_deployment: LAST is remembered, and published.
write_deployment() {
  prepare_text "$DEPLOYMENT" 0644 "${LAST[*]}"$'\n'
  prepare_publication
  place_prepared
}

# last_deployment: LAST; what a power cut has left of the file says nothing.
last_deployment() {
  LAST=()
  first_line "$DEPLOYMENT"
  [[ ! $REPLY =~ ^([0-9]{8}T[0-9]{6}Z)\ ([0-9]{1,12})\ ([0-9]{1,12})\ ([a-z0-9\ -]+)$ ]] || LAST=("${BASH_REMATCH[@]:1:4}")
}

# publish_deployment: where the monitor's container can read it; after a boot there is none.
publish_deployment() {
  last_deployment
  [[ -d $RUN && ${#LAST[@]} -gt 0 ]] || return 0
  tell_monitor write_publication
}

write_publication() {
  prepare_publication
  place_prepared
}

prepare_publication() {
  local text
  [[ -d $RUN ]] || return 0
  printf -v text '{"id": "%s", "startedAt": %s, "appliedAt": %s, "bundles": ["%s"]}\n' \
    "${LAST[@]:0:3}" "${LAST[3]// /\", \"}"
  prepare_text "$RUN/deployment.json" 0644 "$text"
}
