# Everything that is done to Holdfast by command. `make run` needs Python 3.11 and make; once installed, no network.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
# The project itself, so that its command and its entry points exist; the build back end is in the locks.
SELF := $(PIP) --no-index --no-deps --no-build-isolation --editable .
CORES := $(shell getconf _NPROCESSORS_ONLN)
# Some tests wait for what others do: one process more than there are cores.
TESTS := -n $(shell expr $(CORES) + 1)
UV := build/uv/bin/uv
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --exclude-newer "7 days" --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help run test check prove bench lock format lint types arch routes reference screenshots clean

help: ## List the commands
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile

run: .venv/run.stamp ## Serve the demo on the embedded database
	@exec $(BIN)/holdfast serve --demo

test: .venv/dev.stamp ## Run the tests on SQLite and the servers that are there
	$(BIN)/pytest -q $(TESTS)

check: lint types arch ## Everything that CI does; REQUIRE_SERVICES=1 lets nothing skip
	$(BIN)/pytest -q $(TESTS)

prove: .venv/dev.stamp ## The long proofs, with the figures; writes docs/reference/proofs.md and performance.md
	$(BIN)/python tools/prove.py $(TESTS)
	$(MAKE) bench PAGE=--write-docs

bench: .venv/dev.stamp ## Measure each claim as a ratio to its floor; half an hour
	@mkdir -p bench/out
	for each in sign_in people imports jobs files mails ledger; do $(BIN)/python -m bench.$$each | tee bench/out/$$each.txt; done
	$(BIN)/python -m bench $(PAGE)

lint: .venv/dev.stamp ## Style and the house's own rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tools/lint.py

types: .venv/dev.stamp ## Types
	$(BIN)/mypy

arch: .venv/dev.stamp ## Layers
	$(BIN)/lint-imports

format: .venv/dev.stamp ## Put the code into shape
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

routes: .venv/dev.stamp ## Write routes.lock and .env.example
	$(BIN)/holdfast routes > routes.lock
	$(BIN)/holdfast settings --example > .env.example

reference: .venv/dev.stamp ## Write docs/reference from the code
	$(BIN)/python tools/reference.py

screenshots: .venv/dev.stamp ## Take the pictures of the documentation; needs Chromium
	$(BIN)/python tests/browser/screenshots.py

# Versions at least a week old, every file by its hash, no address of any machine or registry.
lock: $(UV) ## Pin the dependencies
	$(COMPILE) pyproject.toml --extra redis -o requirements/run.lock
	$(COMPILE) pyproject.toml --extra redis --group dev -c requirements/run.lock -o requirements/dev.lock
	$(COMPILE) requirements/build.in -c requirements/dev.lock -o requirements/build.lock

clean: ## Remove what was installed and cached; data in var/ stays
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Holdfast needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv .venv

.venv/run.stamp: requirements/run.lock requirements/build.lock pyproject.toml | .venv/bin/python
	$(PIP) --require-hashes -r requirements/run.lock -r requirements/build.lock
	$(SELF)
	@touch $@

.venv/dev.stamp: requirements/dev.lock pyproject.toml | .venv/bin/python
	$(PIP) --require-hashes -r requirements/dev.lock
	$(SELF)
	@touch $@ .venv/run.stamp

$(UV):
	$(PYTHON) -m venv build/uv
	build/uv/bin/python -m pip --disable-pip-version-check install --quiet uv
