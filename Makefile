# EventStorming Generator. `make` alone prints help. Needs make and Python 3.11 or newer with venv, nothing else.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# Dozens of processes start in a test run: without cached bytecode each compiles every package it imports, for seconds.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	command -v $$p >/dev/null && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev
YAML := $(VENV)/.yaml
UV := $(BIN)/uv
PROTOS := $(wildcard proto/eventstorming/v1/*.proto proto/externalscaler/*.proto)

##@ Use
.PHONY: demo
demo: $(RUNTIME) ## Run the main job on the embedded parts, ending with a board in out/ (KEEP=1: stay until Ctrl-C)
	@$(BIN)/eventstorming demo $(if $(KEEP),--keep)

##@ Work on it
.PHONY: test test-unit check format proto lock eval picture clean
test: $(DEV) ## Set everything up and run the whole suite
	$(PY) -m pytest

test-unit: $(DEV) ## The tests that start no process: under a minute on two cores
	$(PY) -m pytest -m "not heavy"

check: $(DEV) lint-python lint-proto lint-files lint-workflows lint-chart ## Format, lint, types, import rules, proto, workflows, the chart's documents (its tests: chart-check)

.PHONY: lint-python lint-proto lint-files lint-workflows
lint-python: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

lint-proto: $(DEV)
	cd proto && ../$(BIN)/buf lint && ../$(BIN)/buf format --diff --exit-code
	cd proto && ../$(BIN)/buf breaking --against baseline.binpb
	@$(MAKE) stubs OUT=$(VENV)/stubs
	@diff -r -x __pycache__ -x '*.proto' -x __init__.py -x '*.yaml' -x '*.binpb' proto $(VENV)/stubs \
		|| { echo "The committed stubs are stale: run make proto and commit."; exit 1; }
	@$(PY) -m scripts.proto_docs --check

lint-files: $(DEV)
	$(BIN)/yamllint --strict -c .yamllint.yaml $$(git ls-files '*.yml' '*.yaml' | grep -v '^charts/.*/templates/')
	$(BIN)/hadolint $$(git ls-files 'docker/*.Dockerfile')
	$(BIN)/shellcheck $$(git ls-files '*.sh' .ci/run)

lint-workflows: $(DEV)
	$(BIN)/actionlint .github/workflows/*.yml
	$(BIN)/zizmor --offline --quiet .github

format: $(DEV) ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	cd proto && ../$(BIN)/buf format -w

.PHONY: stubs
stubs: $(DEV)
	@mkdir -p $(OUT)
	@$(PY) -m grpc_tools.protoc -Iproto --python_out=$(OUT) --pyi_out=$(OUT) --grpc_python_out=$(OUT) $(PROTOS)

proto: ## Make the stubs beside the .proto files and docs/proto.md anew
	@$(MAKE) stubs OUT=proto
	@$(PY) -m scripts.proto_docs

.PHONY: proto-baseline
proto-baseline: $(DEV) ## After a release: what `make check` compares proto/ with, so that nothing a client uses breaks
	cd proto && ../$(BIN)/buf build --exclude-source-info -o baseline.binpb

eval: $(DEV) ## Recall and precision of a language model on the committed expectations (AI_MODEL); ORACLE=1: word forms beside a dictionary
	$(PY) -m workbench.eval$(if $(ORACLE),.oracle)

# Universal: one file for every platform; hashes, no addresses.
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml
lock: $(DEV) ## Resolve the dependencies anew (requirements/*.txt)
	$(LOCK) --upgrade --extra dev -o requirements/dev.txt
	$(LOCK) --extra poller -c requirements/dev.txt -o requirements/poller.txt
	$(LOCK) --extra poller --extra a2a --extra mcp --extra traces --extra documents -c requirements/dev.txt -o requirements/poller-full.txt
	$(LOCK) --extra executor --extra traces -c requirements/dev.txt -o requirements/executor.txt
	$(LOCK) --extra local -c requirements/dev.txt -o requirements/local.txt
	$(foreach group,preflight uv,$(subst pyproject.toml,--group pyproject.toml:$(group),$(LOCK)) -c requirements/dev.txt -o requirements/$(group).txt &&) true
	$(LOCK) --extra mutants -c requirements/dev.txt -o requirements/mutants.txt

picture: demo $(DEV) ## Take the README's picture anew (needs chromium)
	@$(PY) -m scripts.picture

.PHONY: sdk
sdk: ## Firebase's SDKs for JavaScript and an evaluator of rules, at the versions the tests name (npm)
	printf '%s\n' tests/sdk/*/package.json | xargs -P 4 -I {} sh -c 'npm install --prefix "$$(dirname {})" --no-audit --no-fund --ignore-scripts --no-package-lock'

clean: ## Remove everything that was made here
	rm -rf $(VENV) .tools out dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

-include make/*.mk

##@ Help
.PHONY: help
help: ## Print this
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(PY):
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed. Install it, or name it: make PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "venv is missing: install python3-venv, then run make again."; exit 1; }

# PIP_NO_INPUT: a question nobody sees would hang. The editable install needs no download: its build backend is locked too.
PIP = PIP_NO_INPUT=1 $(PY) -m pip install --quiet --disable-pip-version-check
# uv takes seconds where pip takes a minute, from the index that pip is set to. Where it is not to be had, or does not reach the packages, pip installs.
INDEX = $${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$($(PY) -m pip config get global.index-url 2>/dev/null)}}
INSTALL = install() { { test -x $(UV) && UV_DEFAULT_INDEX="$(INDEX)" $(UV) pip install --quiet --python $(PY) "$$@"; } || $(PIP) "$$@"; }; install
$(UV): requirements/uv.txt | $(PY)
	@$(PIP) --only-binary :all: --require-hashes -r $< || true

$(RUNTIME): requirements/local.txt pyproject.toml | $(UV)
	@echo "Installing (once) …"
	@$(INSTALL) --require-hashes -r requirements/local.txt
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(YAML): requirements/preflight.txt | $(PY)
	@$(INSTALL) --require-hashes -r $<
	@touch $@

$(DEV): requirements/dev.txt pyproject.toml | $(UV)
	@echo "Installing for development (once) …"
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@ $(RUNTIME) $(YAML)
