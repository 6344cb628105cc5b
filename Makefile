# Two commands do everything on a fresh machine with Python 3.11+ and make; `make conformance` also wants Go, Node.js and apt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.runtime
DEVELOP := $(VENV)/.develop

.DEFAULT_GOAL := help
.PHONY: help compile check schemas test lint golden docs generated conformance tools faults scale clean

help: ## Show what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(RUNTIME): pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(DEVELOP): pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $(RUNTIME) $@

compile: $(RUNTIME) ## Compile the shipped specs into out/
	$(BIN)/obsc compile specs --out out

check: $(RUNTIME) ## Say whether out/ is what the specs compile to
	$(BIN)/obsc compile specs --out out --check

schemas: $(RUNTIME) ## Write the JSON Schemas of the language
	@mkdir -p schemas
	$(BIN)/obsc schema aiservice >schemas/aiservice.v1alpha1.schema.json
	$(BIN)/obsc schema aiplatform >schemas/aiplatform.v1alpha1.schema.json
	$(BIN)/obsc schema catalog >schemas/catalog.schema.json

lint: $(DEVELOP) ## Style, types and the import contract
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(DEVELOP) ## All tests that need Python alone
	$(BIN)/python -m pytest -m "not conformance" -n auto --dist loadfile

golden: $(DEVELOP) ## Accept new goldens; read the difference before committing it
	$(BIN)/python -m pytest tests/golden --snapshot-update --allow-snapshot-deletion || true
	$(BIN)/python -m pytest tests/golden

generated: schemas docs ## Write everything that is made from the code

docs: $(DEVELOP) ## Write the reference pages of docs/ from the code
	$(BIN)/python -m tools.docs

tools: $(DEVELOP) ## Build the real consumers into the cache folder
	$(BIN)/python tests/conformance/tools.py

conformance: $(DEVELOP) tools ## Let the real consumers read what is compiled
	$(BIN)/python -m pytest tests/conformance -m conformance

faults: $(DEVELOP) ## Kill runs after each file operation, and 1,000 services at random ones; 10,000 fuzzed specs (an hour)
	OBSC_FAULTS=all $(BIN)/python -m pytest -s tests/faults
	cd tests && ../$(BIN)/python -m faults.thousand
	OBSC_FUZZ=10000 $(BIN)/python -m pytest -s tests/fuzz

scale: $(DEVELOP) ## Compile 2,000 services for both flavors, again and again, and say how large everything is (half an hour)
	OBSC_SCALE=2000 $(BIN)/python -m pytest -s tests/scale

benchmarks: $(DEVELOP) ## Measure the budgets of speed and memory, and keep what came of it (half an hour; Sloth is built if Go is there)
	$(BIN)/python -m benchmarks

clean: ## Remove what make made
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis .import_linter_cache
