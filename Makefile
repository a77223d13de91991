# `make run` and `make test` create what they need; the other targets are for contributors.
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# The first Python on the path that is new enough and can make environments.
NEW_ENOUGH := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	"$$python" -c '$(NEW_ENOUGH)' >/dev/null 2>&1 && echo "$$python" && break; done)

.DEFAULT_GOAL := help
.PHONY: help run test slow setup fmt lint types imports docs docs-check wheel examples goldens bench check lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1: /p' Makefile

run: $(VENV)/.run-stamp ## generate, judge and export the quickstart corpus
	$(BIN)/agentsynth run examples/quickstart.yaml --out runs/quickstart --workers 2

test: setup ## run the tests
	@$(BIN)/python scripts/install_servers.py
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

slow: setup ## run the slow tests: whole runs, kills, domain checks
	@$(BIN)/python scripts/install_servers.py
	$(BIN)/python -m pytest -n 2 --dist worksteal -m slow

setup: $(VENV)/.run-stamp $(VENV)/.dev-stamp ## make the development environment

fmt: setup ## format and apply safe fixes
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format --quiet .

lint: setup ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## types
	$(BIN)/basedpyright

imports: setup ## the import contract
	$(BIN)/lint-imports --no-logo

docs: setup ## write docs/schemas and docs/cli.md
	$(BIN)/python scripts/docs.py

docs-check: setup ## fail if the generated docs are out of date
	$(BIN)/python scripts/docs.py --check

wheel: setup ## build the wheel and try it outside the checkout
	$(BIN)/python scripts/wheel_smoke.py

examples: setup ## run the examples and the README's commands
	$(BIN)/python scripts/run_examples.py

goldens: setup ## hold the project's goldens against rubrics, worlds and judge
	$(BIN)/agentsynth golden check examples/goldens --offline

bench: $(VENV)/.run-stamp ## figures, not tests
	$(BIN)/python -m benchmarks.scripted

check: ## everything that CI runs
	.ci/run

lock: ## resolve the dependencies anew (needs uv)
	uv pip compile pyproject.toml --group build --universal --python-version 3.11 \
		--generate-hashes --no-header --upgrade --quiet --output-file requirements.lock
	uv pip compile pyproject.toml --group build --group dev --constraints requirements.lock --universal \
		--python-version 3.11 --generate-hashes --no-header --upgrade --quiet --output-file requirements-dev.lock

clean: ## remove the environment, the caches and what `make run` wrote
	rm -rf $(VENV) .hypothesis .import_linter_cache .pytest_cache .ruff_cache build dist runs/quickstart

# The environment: locked packages, then this package in editable mode, then the developer's tools.
$(VENV)/.lock-stamp: requirements.lock
	@"$(PYTHON)" -c '$(NEW_ENOUGH)' 2>/dev/null || { \
		echo "error: Python 3.11 or newer with its venv module is needed;" \
			"name one with: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	"$(PYTHON)" -m venv --clear $(VENV)
	$(PIP) --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.run-stamp: $(VENV)/.lock-stamp pyproject.toml
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev-stamp: $(VENV)/.lock-stamp requirements-dev.lock | $(VENV)/.run-stamp
	$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@
