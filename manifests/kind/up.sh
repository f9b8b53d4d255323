#!/usr/bin/env bash
# Make a kind cluster with Kubeflow Pipelines, monitoring and Armillary's images; a second call repairs and updates it.
#   manifests/kind/up.sh [--dry-run]     --dry-run prints every command and runs none; it shows no secret either.
# AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, where set, become the credentials of the cluster's store; else they are
# made up. Those that the cluster already has are kept.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
python=${PYTHON:-$top/.venv/bin/python}
name=armillary
context=kind-$name
bucket=mlpipeline
dry=
[ "${1:-}" = --dry-run ] && dry=1

say() { printf '== %s\n' "$*"; }
fail() { printf '%s\n%s\n' "$1" "$2" >&2; exit 2; }
run() { if [ -n "$dry" ]; then printf '%q ' "$@"; echo; else "$@"; fi; }
kube() { run kubectl --context "$context" "$@"; }
# In a trial nothing is there yet, so that the trial shows every command.
there() { [ -z "$dry" ] && "$@" >/dev/null 2>&1; }
random() { od -An -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }

check_tools() {
  command -v docker >/dev/null || fail "docker is not here." "Install the Docker engine; on Debian: apt-get install docker.io"
  command -v kind >/dev/null || fail "kind is not here." "Install kind 0.32: https://kind.sigs.k8s.io/docs/user/quick-start"
  command -v kubectl >/dev/null || fail "kubectl is not here." "Install kubectl: https://kubernetes.io/docs/tasks/tools"
  command -v git >/dev/null || fail "git is not here; kubectl fetches Kubeflow's manifests with it." "On Debian: apt-get install git"
  docker version >/dev/null 2>&1 || fail "The Docker engine does not answer." "Start it (dockerd), or join its group: usermod -aG docker \$USER"
  [ -x "$python" ] || fail "$python is not here." "Run make setup first."
}

make_cluster() {
  if there kind get nodes --name "$name" && [ -n "$(kind get nodes --name "$name" 2>/dev/null)" ]; then
    say "the cluster $name is there"
  else
    run kind create cluster --config "$here/cluster.yaml" --wait 180s
  fi
}

load_images() {
  local names cpu gpu
  names=$(cd "$top" && "$python" -c 'from components.common.component import image_name as n; print(n("cpu"), n("gpu"))')
  read -r cpu gpu <<<"$names"
  if [ -z "$dry" ]; then
    docker image inspect "$cpu" >/dev/null 2>&1 || fail "The image $cpu is not built." "Run make images first."
  fi
  # kind has no GPU: the CPU image answers to both names where the other was not built.
  there docker image inspect "$gpu" || run docker tag "$cpu" "$gpu"
  run kind load docker-image --name "$name" "$cpu" "$gpu"
}

# Reads KEY=VALUE lines, so that no secret stands on a command line, where every process could read it.
make_secret() {
  local namespace=$1 secret=$2
  if [ -n "$dry" ]; then
    echo "kubectl --context $context --namespace $namespace create secret generic $secret --from-env-file=-  # keys: $3"
    cat >/dev/null
  else
    kubectl --context "$context" --namespace "$namespace" create secret generic "$secret" \
      --from-env-file=/dev/stdin --dry-run=client --output yaml | kubectl --context "$context" apply --filename - >/dev/null
    echo "secret/$secret in $namespace"
  fi
}

read_secret() {
  kubectl --context "$context" --namespace "$1" get secret "$2" --output "jsonpath={.data.$3}" | base64 --decode
}

# One pair of credentials under two names: Kubeflow's store reads the first, the stages the second.
make_store_secrets() {
  local id key
  if there kubectl --context "$context" --namespace kubeflow get secret mlpipeline-minio-artifact; then
    id=$(read_secret kubeflow mlpipeline-minio-artifact accesskey)
    key=$(read_secret kubeflow mlpipeline-minio-artifact secretkey)
  else
    id=${AWS_ACCESS_KEY_ID:-$(random 10)}
    key=${AWS_SECRET_ACCESS_KEY:-$(random 20)}
  fi
  printf 'accesskey=%s\nsecretkey=%s\n' "$id" "$key" |
    make_secret kubeflow mlpipeline-minio-artifact "accesskey secretkey"
  printf '%s\n' "AWS_ENDPOINT_URL=http://seaweedfs.kubeflow:9000" "AWS_ACCESS_KEY_ID=$id" "AWS_SECRET_ACCESS_KEY=$key" \
    "AWS_REGION=us-east-1" "ARMILLARY_BUCKET=$bucket" |
    make_secret kubeflow armillary-store "AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION ARMILLARY_BUCKET"
}

make_grafana_secret() {
  there kubectl --context "$context" --namespace armillary-monitoring get secret grafana-admin && return
  printf 'user=admin\npassword=%s\n' "$(random 12)" | make_secret armillary-monitoring grafana-admin "user password"
}

install_kubeflow() {
  kube apply --kustomize "$top/manifests/kubeflow/cluster-scoped"
  kube wait --for condition=established --timeout=120s crd/applications.app.k8s.io
  there kubectl --context "$context" get namespace kubeflow || kube create namespace kubeflow
  make_store_secrets  # before the store starts: it takes its administrator from there
  kube apply --kustomize "$top/manifests/kubeflow/standalone"
}

install_armillary() {
  kube apply --filename "$top/manifests/monitoring/namespace.yaml"
  make_grafana_secret
  kube apply --kustomize "$top/manifests/overlays/kind"
}

wait_for_all() {
  kube --namespace kubeflow rollout status deployment/seaweedfs --timeout=600s
  kube --namespace kubeflow rollout status deployment/workflow-controller --timeout=600s
  kube --namespace kubeflow rollout status deployment/ml-pipeline --timeout=900s
  kube --namespace kubeflow rollout status deployment/ml-pipeline-ui --timeout=600s
  for one in pushgateway prometheus grafana; do
    kube --namespace armillary-monitoring rollout status "deployment/$one" --timeout=600s
  done
}

tell() {
  cat <<EOF

Kubeflow    http://127.0.0.1:8080   (else: kubectl --context $context -n kubeflow port-forward svc/ml-pipeline-ui 8080:80)
Its API     http://127.0.0.1:8888   (else: kubectl --context $context -n kubeflow port-forward svc/ml-pipeline 8888:8888)
Grafana     http://127.0.0.1:3000   user admin; its password:
            kubectl --context $context -n armillary-monitoring get secret grafana-admin -o jsonpath='{.data.password}' | base64 -d
Prometheus  kubectl --context $context -n armillary-monitoring port-forward svc/prometheus 9090
The store   kubectl --context $context -n kubeflow port-forward svc/seaweedfs 9000

Next:       armillary submit quasar-redshift --host http://127.0.0.1:8888 --preset smoke --wait
Remove it:  make kind-down
EOF
}

[ -n "$dry" ] || check_tools
say "cluster"; make_cluster
say "images"; load_images
say "Kubeflow Pipelines 2.17.0"; install_kubeflow
say "Armillary and its monitoring"; install_armillary
say "waiting until all of it runs; the first time images are fetched for some minutes"; wait_for_all
tell
