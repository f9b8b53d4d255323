#!/bin/sh
# What both images have in common: their packages in /opt/venv, the project's components in /opt/armillary.
#
# usage, in a Dockerfile: install.sh packages|components
#
# Two places, so that an edited component makes a small layer and leaves the large one as it was: in the cache of a
# build, on a node of a cluster, and in a registry.
set -eu

build=$(cd "$(dirname "$0")" && pwd)
venv=/opt/venv
site=$venv/lib/python3.11/site-packages
project=/opt/armillary
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_PREFER_BINARY=1

pip() { python3 -m pip --python "$venv/bin/python" "$@"; }

packages() {
  python3 -m venv --without-pip "$venv" # the pip of the base installs into it, so that none is in the image
  requirements > "$build/requirements.txt"
  pip install --quiet --no-compile --requirement "$build/requirements.txt" $(constraints)
  pip check
  # A stage needs kfp's executor alone, which imports none of what kfp would bring along.
  pip install --quiet --no-compile --no-deps $(constraints) kfp
  strip
  echo "$project" > "$site/armillary.pth"
  compile "$venv/lib"
  # Whoever strips too much learns it here.
  "$venv/bin/python" -c 'import astropy.io.fits, boto3, hdf5plugin, matplotlib.pyplot, numba, pyarrow.parquet, shap, skops.io, sklearn, torch
boto3.client("s3", region_name="us-east-1")'
}

# The project's dependencies without its extras: the command line and the tools stay outside.
requirements() {
  python3 -c 'import sys, tomllib
print(*tomllib.load(open(sys.argv[1], "rb"))["project"]["dependencies"], sep="\n")' "$build/pyproject.toml"
}

constraints() {
  for file in "$build"/constraints*.txt; do printf -- '--constraint %s ' "$file"; done
}

# What no stage uses: tests, headers, static libraries, Arrow's remote services, the cloud services beside S3 and its
# credentials, filters of other surveys, compressions that CAMELS does not use. astropy imports its own tests/,
# kcorrect's hold galaxies that are simulated from, torch looks for its torch_shm_manager.
strip() {
  find "$site" -type d \( -name tests -o -name test \) ! -path "$site/astropy/tests" \
    ! -path "$site/kcorrect/data/test" -prune -exec rm -rf {} +
  find "$site" -type f \( -name '*.a' -o -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' \) -delete
  rm -rf "$site/torch/include" "$site/torch/share" "$site/pyarrow/include" \
    "$site/numpy/_core/include" "$site"/nvidia/*/include
  find "$site/torch/bin" -type f ! -name torch_shm_manager -delete
  find "$site/hdf5plugin/plugins" -type f ! -name libh5blosc.so ! -name libh5lz4.so -delete
  # Its list of what is there, or its import complains of each that is not.
  sed -i "s/'embedded_filters': ([^)]*)/'embedded_filters': ('blosc', 'lz4')/" "$site/hdf5plugin/_config.py"
  rm -f "$site"/pyarrow/*flight* "$site"/pyarrow/*s3*
  find "$site/kcorrect/data/responses" -type f ! -name 'sdss_*' -delete
  find "$site/botocore/data" -mindepth 1 -maxdepth 1 -type d \
    ! -name s3 ! -name sts ! -name sso ! -name sso-oidc ! -name signin -exec rm -rf {} +
}

components() {
  source=$build/source
  : > "$source/README.md" # named by pyproject.toml; its text is for people
  python3 -m pip wheel --quiet --no-deps --wheel-dir "$build/wheel" "$source"
  # Satisfied by what is there, or pip says what is not: nothing can be downloaded here.
  pip install --quiet --dry-run --no-index "$build"/wheel/*.whl
  pip install --quiet --no-compile --no-deps --target "$project" "$build"/wheel/*.whl
  rm -rf "$project/bin" # the command line, without what it needs
  compile "$project"
}

# A read-only image cannot keep what Python compiles when it runs. By hash rather than by time, so that the same files
# make the same layer on every build. torch's test helpers, of which it needs some, hold syntax of later Pythons.
compile() {
  python3 -m compileall -q --invalidation-mode unchecked-hash -j 0 -x '/torch/testing/_internal/' "$1"
}

"$1"
