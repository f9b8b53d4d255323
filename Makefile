# Everything a person does with a clone. `make` alone explains itself.
.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
EX ?= quasar-redshift
PRESET ?= demo
# Further options of `armillary run`, such as ARGS="--external my_spectra --seed 7".
ARGS ?=
# Which images: IMAGES=cpu makes that one alone. BASE=NAME builds them on another base.
IMAGES ?= cpu gpu
# Where `make push` puts them, such as REGISTRY=registry.example/astronomy.
REGISTRY ?=
# Further options of pytest, such as PYTEST_ARGS="tests/pipelines -x".
PYTEST_ARGS ?=
# As `pipelines/local.py` has it for stages: threads that spin while they wait take the processors from those that compute.
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: help setup run test lint golden bench images base-image push kind-up kind-down manifests-check clean

help: ## Show the targets and what each does
	@echo "make TARGET [NAME=value ...]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "Variables: EX=$(EX) PRESET=$(PRESET) PYTHON=$(PYTHON) ARGS= PYTEST_ARGS= IMAGES=\"$(IMAGES)\" BASE= REGISTRY="

setup: $(STAMP) ## Create .venv with the locked versions (needs Python 3.11; repeated only when the lock changes)

# Installed without --upgrade: a wheel that the constraints allow and that is already there is kept.
$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not here. Install Python 3.11 with its venv module, or name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing. On Debian: apt-get install python3.11-venv"; rm -rf $(VENV); exit 2; }
	@echo "Installing the locked versions into $(VENV); the first time takes some minutes."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[cli,dev]"
	@touch $@

run: $(STAMP) ## Run an exercise: make run EX=quasar-redshift PRESET=demo
	@$(BIN)/armillary run $(EX) --preset $(PRESET) $(ARGS)

lint: $(STAMP) ## Format check, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

test: lint ## Lint, types, and every test but those that need a browser to be installed
	$(BIN)/pytest $(PYTEST_ARGS)

golden: $(STAMP) ## Compile all exercises anew into tests/golden; look at the difference before it is committed
	$(BIN)/python tests/pipelines/golden.py

bench: $(STAMP) ## Speed of the hot paths, each as a ratio to a named peer
	$(BIN)/pytest tests/benchmarks -o python_files='bench_*.py' -o addopts= -q -p no:cacheprovider --benchmark-only $(PYTEST_ARGS)

images: $(STAMP) ## Build the container images; see images/README.md (IMAGES=cpu: that one alone)
	@$(BIN)/python images/build.py $(IMAGES)

base-image: ## Make the images' base from Debian packages, where no registry can be reached (root)
	@images/base-image.sh

push: $(STAMP) ## Upload the images: make push REGISTRY=registry.example/astronomy
	@test -n "$(REGISTRY)" || { echo "No registry is named: make push REGISTRY=registry.example/astronomy"; exit 2; }
	@$(BIN)/python images/build.py $(IMAGES) --push $(REGISTRY)

kind-up: $(STAMP) ## Make a kind cluster with Kubeflow, monitoring and the images of `make images`; repeats safely
	@PYTHON=$(CURDIR)/$(BIN)/python manifests/kind/up.sh

kind-down: ## Remove the kind cluster with all that is in it
	@manifests/kind/down.sh

manifests-check: $(STAMP) ## Render the manifests, hold them against the schemas, test alerts and dashboard (kubectl, promtool)
	$(BIN)/pytest tests/manifests -rs

clean: ## Remove the environment and tool caches; runs and data in .armillary stay
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
