#!/usr/bin/env bash
# Remove the kind cluster, with all that is in it: runs, artifacts, models, metrics.
#   manifests/kind/down.sh [--dry-run]
set -euo pipefail

name=armillary
if [ "${1:-}" = --dry-run ]; then
  echo "kind delete cluster --name $name"
  exit
fi
command -v kind >/dev/null || { printf '%s\n' "kind is not here, so there is no cluster to remove." >&2; exit 2; }
kind delete cluster --name "$name"
