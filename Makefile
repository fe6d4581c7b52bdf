# The few verbs of the repository. `make help` lists them; nothing here needs more than Python 3.11+ and make.
SHELL := /bin/sh
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
STAMP := $(VENV)/.install-stamp
MEMBERS := proto libs/kit services/ingest services/inventory services/fraud services/customer360 services/transform deploy/local
SOURCES := libs services deploy tests benchmarks requirements/lock.py proto/generate.py
PROTOS := $(wildcard proto/shopsphere/*/v1/*.proto)
ARGS ?=

##@ Use
demo: install  ## Run the whole platform on a real retailer's data; ARGS="--days 7 --once --report build/demo.json"
	@$(BIN)/shopsphere demo $(ARGS)

test: install  ## All tests, with real servers; ARGS="tests/kit" picks some
	@$(BIN)/pytest $(ARGS)

test-quick: install  ## The tests that need no server
	@$(BIN)/pytest -m "not servers" $(ARGS)

torture-lineage: install  ## Perturb every column of bronze: nothing changes that lineage did not predict
	@COLUMNS=all $(BIN)/pytest --long tests/transform/test_lineage.py -q

test-long: install  ## The tests that take minutes each; ARGS="tests/transform/test_locality.py" picks some
	@$(BIN)/pytest --long -m long $(ARGS)

laws: install  ## Every law of histories, identities and returns on 1,000 cases
	@$(BIN)/pytest --hypothesis-profile=long -m "not servers" tests/transform $(ARGS)

torture-ingest: install  ## Kill ingest again and again; SEED= RUNS=300 (kills per source) SEEDS=200 (workloads) SOURCES=postgres,mongo,kafka
	@PYTHONPATH=tests $(BIN)/python -m ingest_torture --seed "$(SEED)" --runs "$(or $(RUNS),300)" --seeds "$(or $(SEEDS),200)" --sources "$(SOURCES)"

torture-transform: install  ## Histories in any order, runs that die: always the tables of one full run; SEED= RUNS=300 (histories)
	@PYTHONPATH=tests $(BIN)/python -m transform_torture --steps --seed "$(SEED)" --runs "$(or $(RUNS),300)" --only "$(ONLY)" --batches "$(or $(BATCHES),0)" --calm "$(CALM)" --kills "$(or $(KILLS),1)" --brief "$(BRIEF)"

torture-inventory: install  ## Simulations of stock with all that goes wrong, then kill -9 on real servers; SEED= RUNS=100000 (simulations) KILLS=300
	@PYTHONPATH=tests $(BIN)/python -m inventory_torture --seed "$(SEED)" --runs "$(or $(RUNS),100000)" --kills "$(or $(KILLS),300)"

mutants-inventory: install  ## Each seeded bug of inventory, and the test that catches it; ONLY= picks those whose name contains it
	@PYTHONPATH=tests $(BIN)/python -m inventory_mutants --only "$(ONLY)"

test-cluster: install  ## A run of transform on a Spark cluster of a master and two workers on this machine
	@$(BIN)/pytest tests/transform/cluster_run.py $(ARGS)

##@ Change
check: install  ## Lint, types, import boundaries, generated code; never edits
	@$(BIN)/ruff format --check --quiet $(SOURCES)
	@$(BIN)/ruff check --quiet $(SOURCES)
	@$(BIN)/mypy $(SOURCES)
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python proto/generate.py --check

fix: install  ## Format and mend what can be mended
	@$(BIN)/ruff format --quiet $(SOURCES)
	@$(BIN)/ruff check --fix --quiet $(SOURCES)

proto: install  ## Generate Python from proto/
	@$(BIN)/python proto/generate.py

bench: install  ## Run a benchmark; CLAIM=<service>/<claim>, all when empty
	@$(BIN)/python benchmarks/run.py $(CLAIM)

lock: $(UV)  ## Solve the dependencies anew and write requirements/
	@$(BIN)/python requirements/lock.py

##@ Environment
install: $(STAMP)  ## Build .venv from the pinned, hashed requirements

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	  || { echo "ShopSphere needs Python 3.11, 3.12 or 3.13; name one with make PYTHON=python3.12"; exit 1; }
	@echo "Making the environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt

$(STAMP): requirements/dev.txt requirements/uv.txt pyproject.toml $(addsuffix /pyproject.toml,$(MEMBERS)) | $(UV)
	@echo "Installing the pinned packages (about 1.8 GB when nothing is cached)"
	@$(UV) pip sync --quiet --require-hashes --python $(BIN)/python requirements/dev.txt requirements/uv.txt
	@$(UV) pip install --quiet --no-deps --python $(BIN)/python $(addprefix -e ./,$(MEMBERS))
	@touch $@

clean:  ## Remove the environment and all local state
	rm -rf $(VENV) .local build

help:  ## Show this help
	@awk 'BEGIN {FS = ":.*##"} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*##/ {printf "  make %-15s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo test test-quick test-long laws test-cluster torture-lineage torture-ingest torture-transform torture-inventory mutants-inventory check fix proto bench lock install clean help
