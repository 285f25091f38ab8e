# Three commands show and prove everything: `make demo`, `make tour`, `make test`. `make help` lists the rest.
.DEFAULT_GOAL := env
.PHONY: env demo tour test postgresql check coverage bench docs clean help
SHELL := /bin/sh
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -n 2 --dist worksteal
ON_POSTGRESQL := $(BIN)/python -m tests.postgres_server $(PYTEST)
# What `make check` runs on PostgreSQL: what is written otherwise for each store (locks, migrations, statements over lists,
# what a purge leaves in files), and one thread from the declaration to its result. Paths, so that no more is collected.
WHERE_STORES_DIFFER := tests/records tests/faces/test_api_cycle.py $(addprefix tests/actions/test_,day_of_receipt.py \
  deciding_group.py decision_path_at_once.py goods_met_again.py purge.py)
# Tests choose their store themselves, and never the one that a service on this machine uses. They start many processes:
# what Python compiled is kept for the next, whatever this machine's setting.
unexport TIDEWAITER_DATABASE PYTHONDONTWRITEBYTECODE

env: .venv/.ready ## build the environment in .venv

.venv/.ready: constraints.txt pyproject.toml
	@python=$$(sh tools/find-python) && \
	echo "environment: $$($$python --version) in .venv" && \
	{ test -x $(BIN)/python || $$python -m venv .venv || { rm -rf .venv; \
	  echo "python's venv module is missing: install it (Debian: apt-get install python3-venv)" >&2; exit 1; }; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt pip hatchling editables
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	  --no-build-isolation --editable . --group dev
	@touch $@

demo: env ## a synthetic year of trade, ingested, back-tested and decided; prints the report's path (SCALE=items)
	@$(BIN)/tidewaiter demo --out demo $(if $(SCALE),--items $(SCALE))

tour: env ## the service from the first declaration to the auditor's last check, call by call
	@$(BIN)/python -m tools.tour

test: env ## the whole test suite: what touches records on PostgreSQL, then everything on SQLite
	@echo "== records on PostgreSQL" && $(ON_POSTGRESQL) -m records
	@echo "== everything, records on SQLite" && $(PYTEST)

postgresql: env ## the tests that touch records, on a PostgreSQL server of their own (TESTS=paths)
	@$(ON_POSTGRESQL) -m records $(TESTS)

check: env ## what must pass before a commit, cheapest first
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports --no-cache >.lint-imports.log 2>&1 || { cat .lint-imports.log; exit 1; }
	@$(BIN)/mypy
	@echo "== where the stores differ, on PostgreSQL" && \
	  LAWS=quick $(ON_POSTGRESQL) -m "records and not slow" $(WHERE_STORES_DIFFER)
	@echo "== everything, records on SQLite" && LAWS=quick $(PYTEST) -m "not slow"

coverage: env ## the quick tests on SQLite, and which lines and branches none of them reaches
	@LAWS=quick $(PYTEST) -m "not slow" --cov --cov-report=term:skip-covered

bench: env ## measurements side by side with DuckDB and Polars (takes a while); writes docs/reference/benchmarks.md
	@$(BIN)/python -m bench

docs: env ## write the generated reference pages again
	@$(BIN)/python -m tools.reference

clean: ## remove the environment and what the demo made
	rm -rf .venv demo

help: ## this list
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 10
