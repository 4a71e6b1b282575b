#!/bin/sh
# Servers for Tidegate that `terraform apply` makes and destroys. Needs jq and flock.
#
# TERRAFORM_DIR names the folder with main.tf, which has a variable `servers` (by name: flavor, zone, image) and an output
# `servers` (by name: anything). The variable is kept in servers.auto.tfvars.json there; user data in user-data/NAME.
set -eu
umask 077
cd "${TERRAFORM_DIR:?names the folder with main.tf}"
wanted=servers.auto.tfvars.json
question=$(cat)

asked() { printf '%s' "$question" | jq -r "$1"; }
# Standard output is for the answer alone.
apply() { terraform apply -auto-approve -input=false -no-color >&2; }
edit() { jq "$@" "$wanted" > "$wanted.new" && mv "$wanted.new" "$wanted"; }
refuse() { jq -n --arg kind "$1" --arg message "$2" '{error: {kind: $kind, message: $message}}'; exit 0; }
known() { jq -e --arg name "$1" '.servers | has($name)' "$wanted" > /dev/null; }
made() { terraform output -json servers 2> /dev/null || echo '{}'; }

# One change at a time; looking needs no lock.
change() {
  exec 9> .lock
  flock 9
}

# What is wanted, and whether terraform has made it.
servers() {
  jq --argjson made "$(made)" '[.servers | to_entries[] | . as $server | {
    id: .key, name: .key, flavor: .value.flavor, zone: .value.zone, metadata: .value.metadata
  } + (if $made | has($server.key) then {state: "ACTIVE"} else {state: "BUILD", task: "spawning"} end)]' "$wanted"
}

[ -f "$wanted" ] || echo '{"servers": {}}' > "$wanted"
case $TIDEGATE_VERB in
  list)
    # flavors.json: [{"name": "small", "milliCpu": 2000, "memoryBytes": 8589934592}, …]
    servers | jq --slurpfile flavors flavors.json '{servers: ., flavors: $flavors[0]}'
    ;;
  get)
    servers | jq --arg id "$TIDEGATE_ID" '{server: (map(select(.id == $id)) | first)}'
    ;;
  create)
    change
    if ! known "$TIDEGATE_NAME"; then
      mkdir -p user-data
      asked '.order.userData // ""' > "user-data/$TIDEGATE_NAME"
      edit --argjson order "$(asked '.order | {name, flavor, zone, image, metadata} | tojson')" \
        '.servers[$order.name] = ($order | del(.name))'
    fi
    if ! apply; then
      # What was begun goes again, so that the next try begins anew.
      edit --arg name "$TIDEGATE_NAME" 'del(.servers[$name])'
      rm -f "user-data/$TIDEGATE_NAME"
      apply || true
      refuse failed "terraform apply did not make $TIDEGATE_NAME; its log says why"
    fi
    jq -n --arg id "$TIDEGATE_NAME" '{id: $id}'
    ;;
  delete)
    change
    known "$TIDEGATE_ID" || refuse not-found "terraform knows no server $TIDEGATE_ID"
    before=$(jq --arg name "$TIDEGATE_ID" '.servers[$name]' "$wanted")
    edit --arg name "$TIDEGATE_ID" 'del(.servers[$name])'
    if ! apply; then
      edit --arg name "$TIDEGATE_ID" --argjson server "$before" '.servers[$name] = $server'
      refuse failed "terraform apply did not destroy $TIDEGATE_ID; its log says why"
    fi
    rm -f "user-data/$TIDEGATE_ID"
    ;;
  setMetadata)
    change
    known "$TIDEGATE_ID" || refuse not-found "terraform knows no server $TIDEGATE_ID"
    edit --arg name "$TIDEGATE_ID" --argjson asked "$(asked '{key, value} | tojson')" '
      .servers[$name].metadata |= (if $asked.value == null then del(.[$asked.key]) else .[$asked.key] = $asked.value end)'
    ;;
  *)
    known "${TIDEGATE_ID:-}" || refuse not-found "terraform knows no server ${TIDEGATE_ID:-}"
    refuse unsupported "$TIDEGATE_VERB server ${TIDEGATE_ID:-}: servers are only made and destroyed here"
    ;;
esac
