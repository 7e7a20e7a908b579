# Everything that is done by hand has a target here, and CI calls the same ones.
# Only Python 3.11 or newer is needed: each target makes the environments that it uses.

PYTHON ?= python3
ENV ?= dev
VENVS := .venvs
DEV := $(VENVS)/dev/bin
BOOTSTRAP := $(PYTHON) infra/local/bootstrap.py
IMPORTING := PYTHONPATH=layers/common/python:.
SHELL := /bin/sh
# `sam build` needs the runtime's own Python, which a version manager may hide from the path.
BUILD_PATH := $(PATH):$(HOME)/.pyenv/shims:$(wildcard $(HOME)/.pyenv/versions/3.13*/bin)

# The tests in a real browser use the machine's own.
CHROMIUM := $(firstword $(foreach name,chromium chromium-browser google-chrome,$(shell command -v $(name))))
BROWSER := $(if $(CHROMIUM),,and not browser)

.DEFAULT_GOAL := help
.PHONY: help dev demo test check format bench openapi settings build deploy lock clean

help: ## Say what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

dev: ## Start the local stack and stay: API, queues, schedules, mail, at http://127.0.0.1:8787
	@$(BOOTSTRAP) stack handlers
	@exec $(VENVS)/stack/bin/python -m infra.local dev

demo: ## Start the local stack, see a scheduled call fail and be retried, and end
	@$(BOOTSTRAP) stack handlers
	@exec $(VENVS)/stack/bin/python -m infra.local demo

test: ## Run all tests; branch coverage of the layer must be at least 90 %
	@$(BOOTSTRAP) dev stack handlers
	@rm -f .coverage .coverage.*
	$(DEV)/python -m pytest -q -n 2 --dist worksteal -m "not stack and not bench" \
		--cov --cov-report= $(TESTS)
	@$(if $(CHROMIUM),,echo "No Chromium is installed: the tests in a real browser are left out.")
	$(DEV)/python -m pytest -q -m "stack and not bench $(BROWSER)" --cov --cov-append --cov-report= $(TESTS)
	$(DEV)/python -m coverage report --fail-under=90

check: ## Lint, types, layers, templates, and that generated files are up to date
	@$(BOOTSTRAP) dev sam
	$(DEV)/ruff check .
	$(DEV)/ruff format --check .
	$(DEV)/mypy
	$(IMPORTING) $(DEV)/lint-imports
	$(DEV)/cfn-lint template.yaml infra/*.yaml
	SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 $(VENVS)/sam/bin/sam validate --lint
	$(IMPORTING) $(DEV)/python -m infra.openapi --check
	$(IMPORTING) $(DEV)/python -m infra.settings_docs --check

format: ## Put the code into its one format
	@$(BOOTSTRAP) dev
	$(DEV)/ruff check --fix .
	$(DEV)/ruff format .

bench: ## Measure against the budgets, and beside other systems where their servers are installed
	@$(BOOTSTRAP) dev stack handlers bench
	@for bench in $(basename $(notdir $(wildcard tests/load/bench_*.py))); do \
		echo; echo "== $$bench"; $(IMPORTING) $(DEV)/python -m tests.load.$$bench || exit 1; \
	done

openapi: ## Write docs/openapi.json from the code
	@$(BOOTSTRAP) dev
	$(IMPORTING) $(DEV)/python -m infra.openapi

settings: ## Write docs/settings.md and .env.example from the code
	@$(BOOTSTRAP) dev
	$(IMPORTING) $(DEV)/python -m infra.settings_docs

build: ## Build what is deployed (needs python3.13)
	@$(BOOTSTRAP) sam
	PATH="$(BUILD_PATH)" SAM_CLI_TELEMETRY=0 $(VENVS)/sam/bin/sam build

deploy: build ## Deploy to ENV=dev|staging|prod, as samconfig.toml says
	@case "$(ENV)" in dev|staging|prod) ;; *) echo "ENV must be dev, staging or prod"; exit 2;; esac
	PATH="$(BUILD_PATH)" SAM_CLI_TELEMETRY=0 $(VENVS)/sam/bin/sam deploy --config-env $(ENV)

lock: ## Lock requirements/*.in again (needs uv)
	@for name in runtime dev stack sam bench; do \
		uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
			--no-emit-index-url --no-emit-find-links \
			requirements/$$name.in -o requirements/$$name.txt || exit 1; \
	done

clean: ## Remove environments, state and what tools leave behind
	rm -rf $(VENVS) .nightshift .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache htmlcov .coverage .coverage.*
