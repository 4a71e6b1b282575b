#!/bin/sh
# Servers for Tidegate that another program makes and destroys, and that Kubespray adds to the cluster and removes from it.
# Needs jq.
#
# SERVERS names the other program, such as servers-by-terraform.sh; KUBESPRAY_DIR the folder with scale.yml and remove-node.yml;
# INVENTORY an inventory that has the new servers as soon as they are there (a dynamic one, or one that SERVERS writes).
set -eu
question=$(cat)

pass_on() { printf '%s\n' "$question" | "${SERVERS:?names the program that makes servers}"; }
# Standard output is for the answer alone.
play() { (cd "${KUBESPRAY_DIR:?has scale.yml and remove-node.yml}" && ansible-playbook -i "${INVENTORY:?names the inventory}" --become "$@" >&2); }

case $TIDEGATE_VERB in
  create)
    answer=$(pass_on)
    if printf '%s' "$answer" | jq -e 'has("error")' > /dev/null; then
      printf '%s\n' "$answer"
    elif play --limit "$TIDEGATE_NAME" scale.yml; then
      printf '%s\n' "$answer"
    else
      # Tidegate sees that the node does not join, and has the server deleted.
      jq -n --arg name "$TIDEGATE_NAME" '{error: {kind: "failed", message: "scale.yml did not add \($name); its log says why"}}'
    fi
    ;;
  delete)
    # Tidegate has drained the node. One that never joined cannot be removed from the cluster: its server goes nevertheless.
    play -e node="$TIDEGATE_ID" -e skip_confirmation=yes remove-node.yml || echo "remove-node.yml failed for $TIDEGATE_ID" >&2
    pass_on
    ;;
  *)
    pass_on
    ;;
esac
