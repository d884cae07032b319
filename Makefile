# `make help` lists the commands. Everything is created below .venvs/ and .lorry/; nothing else is touched.

SHELL := /bin/sh
PY := .venvs/dev/bin/python
LOCAL := $(if $(filter localstack,$(STACK)),localstack.docker,localstack)
WORKERS := 3
# Tests mostly wait. A module's tests stay in one process, and share their stack. They start in the order of their
# folders, so that modules of a few long tests do not come last.
SIDE_BY_SIDE := --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder
export PYTHON PORT LORRY_HOME LORRY_PARAMETERS LORRY_HOSTS LORRY_EMULATOR_ENVIRONMENT
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: help demo dev up down test-matrix environment audit check check-template format test-fast test test-slow simulate bench dashboard dashboard-check lock deploy destroy probe-aws secret secret-rotate

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  PORT=4567 LORRY_HOME=.lorry-4567 runs a second stack beside the first; more in docs/make.md"

demo: environment  ## start a stack, run a job of 60 files, verify every byte
	@$(PY) -m localstack.demo

dev: environment  ## run API and workers in one process, for breakpoints; on AWS_ENDPOINT_URL or the stack of `make up`
	@$(PY) -m localstack.dev $(if $(DEV_PORT),--port "$(DEV_PORT)") $(ARGS)

up: environment  ## start the embedded stack, or update a running one; STACK=localstack [STORE=minio] in Docker
	@$(PY) -m $(LOCAL) up $(if $(STORE),--store "$(STORE)")

down:  ## stop the stack; its jobs and files are gone
	@if [ -x $(PY) ]; then $(PY) -m $(LOCAL) down $(if $(STORE),--store "$(STORE)"); else echo "nothing was started here"; fi

environment:  ## create the Python environment, once
	@sh infra/environment.sh

check: environment  ## check format, lint, types, imports, template, generated pages, cold starts, secrets
	@$(PY) -m ruff format --check .
	@$(PY) -m ruff check .
	@$(PY) -m mypy
	@.venvs/dev/bin/lint-imports
	@$(PY) -m infra.package .lorry/package
	@.venvs/dev/bin/cfn-lint .lorry/package/template.json
	@$(PY) -m docs.generate --check
	@$(PY) -m infra.cold_start
	@git ls-files -z | xargs -0 .venvs/dev/bin/detect-secrets-hook --disable-plugin Base64HighEntropyString \
		--disable-plugin HexHighEntropyString --disable-plugin KeywordDetector

check-template: environment  ## run checkov on the template (installed on first use, in an environment of its own)
	@test -x .venvs/checkov/bin/checkov || { $(PY) -m venv .venvs/checkov && \
		.venvs/checkov/bin/python -m pip install --quiet --disable-pip-version-check checkov==3.3.30; }
	@$(PY) -m infra.package .lorry/package
	@.venvs/checkov/bin/checkov --config-file infra/checkov.yaml --file .lorry/package/template.json

audit: environment  ## look for known vulnerabilities in what ships; ARGS=--required fails if nothing can be asked
	@$(PY) -m infra.requirements audit $(ARGS)

format: environment  ## format the code
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

test-fast: environment  ## run unit and property tests, about a minute; ARGS="-k cancel" passes options to pytest
	@$(PY) -m pytest $(SIDE_BY_SIDE) tests/unit tests/properties -m "not slow" $(ARGS)

test: environment  ## run all tests but the slow ones; WORKERS=1 in one process
	@$(PY) -m pytest $(SIDE_BY_SIDE) -m "not slow and not matrix" $(ARGS)

test-slow: environment  ## run the slow tests: archives over 4 GiB, starting and stopping stacks, commands of the docs
	@$(PY) -m pytest $(SIDE_BY_SIDE) -m "slow and not matrix" $(ARGS)

test-matrix: environment  ## run jobs and adapters on LocalStack (from PyPI), SeaweedFS, MiniStack without Lambda
	@$(PY) -m pytest tests/matrix tests/integration/test_jobs.py tests/integration/test_archives.py $(ARGS)

simulate: environment  ## run the simulation: SEEDS=10000, on all cores; SEED=140 [FAULTS=12,55] runs one again
	@$(PY) -m tests.simulation $(if $(SEEDS),--seeds "$(SEEDS)") $(if $(FIRST),--first "$(FIRST)") \
		$(if $(SEED),--seed "$(SEED)") $(if $(FAULTS),--faults "$(FAULTS)") $(ARGS)

bench: environment  ## run the benchmarks; ARGS="archive --runs 3" runs one, ARGS=--short all on little data
	@$(PY) -m benchmarks $(ARGS)

dashboard:  ## build frontend/dist with Node, after a change in frontend/ or of docs/openapi.json
	@cd frontend && npm ci --silent && npm run --silent api && npm run --silent build

dashboard-check: environment  ## check and test the dashboard: types, unit tests, dist, and a browser on a stack
	@cd frontend && npm ci --silent && npm run --silent check && npm run --silent build -- --logLevel warn
	@git diff --exit-code --stat -- frontend/dist && test -z "$$(git status --porcelain -- frontend/dist)" || \
		{ echo "frontend/dist is stale: run make dashboard and commit the result" >&2; exit 1; }
	@cd frontend && npm run --silent e2e

lock: environment  ## write requirements.lock, after a change of requirements.txt
	@$(PY) -m infra.requirements lock

deploy: environment  ## deploy to AWS: STAGE=prod SOURCE_BUCKET=my-files [REGION=eu-central-1] [ARGS=Key=Value]
	@test -n "$(STAGE)" || { echo "make deploy: name the stage: STAGE=prod" >&2; exit 2; }
	@test -n "$(SOURCE_BUCKET)" || { echo "make deploy: name the bucket of your files: SOURCE_BUCKET=my-files" >&2; exit 2; }
	@$(PY) -m infra.deploy --stage "$(STAGE)" --source-bucket "$(SOURCE_BUCKET)" $(if $(REGION),--region "$(REGION)") \
		$(if $(ARCHITECTURE),--architecture "$(ARCHITECTURE)") $(ARGS)

destroy: environment  ## delete a deployment from AWS: STAGE=prod [REGION=eu-central-1] [YES=1]; data stays
	@test -n "$(STAGE)" || { echo "make destroy: name the stage: STAGE=prod" >&2; exit 2; }
	@$(PY) -m infra.destroy --stage "$(STAGE)" $(if $(REGION),--region "$(REGION)") $(if $(filter 1 yes,$(YES)),--yes)

probe-aws: environment  ## find out what a bucket's S3 really does: BUCKET=my-bucket [REGION=eu-central-1]; below a cent
	@test -n "$(BUCKET)" || { echo "make probe-aws: name a bucket that you may write to: BUCKET=my-bucket" >&2; exit 2; }
	@$(PY) -m infra.probe "$(BUCKET)" $(if $(REGION),--region "$(REGION)") $(ARGS)

secret: environment  ## show the secret that webhooks are verified with: [CALLER=NAME] [STAGE=prod] [REGION=eu-central-1]
	@$(PY) -m infra.secret show $(if $(STAGE),--stage "$(STAGE)") $(if $(REGION),--region "$(REGION)") \
		$(if $(CALLER),--caller "$(CALLER)")

secret-rotate: environment  ## replace the secret; the old one stays valid for OVERLAP=24 hours [STAGE=prod] [FORCE=yes]
	@$(PY) -m infra.secret rotate $(if $(STAGE),--stage "$(STAGE)") $(if $(REGION),--region "$(REGION)") \
		$(if $(OVERLAP),--overlap "$(OVERLAP)") $(if $(filter yes,$(FORCE)),--force)
