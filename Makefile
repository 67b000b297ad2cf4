# `make` alone explains itself.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
SCENARIO ?= catalogue
SERVICES ?= 100000
KILLS ?= 200

.PHONY: help run test check chaos load bench evaluate-search doctor schema format clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

$(VENV)/run: pyproject.toml constraints.txt tools/make_venv.py
	@$(PYTHON) tools/make_venv.py $(VENV)
	@touch $@

$(VENV)/test: $(VENV)/run
	@$(PYTHON) tools/make_venv.py $(VENV) test load
	@touch $@

run: $(VENV)/run ## install, start PostgreSQL and Valkey, migrate, seed, serve on 127.0.0.1:8000
	@$(RUN) -m api up

test: $(VENV)/test ## install and run every test
	@$(RUN) -m pytest -n 2 --dist loadgroup

check: $(VENV)/test ## format, lint, types, arrows, SQL, schema
	@$(RUN) tools/check.py

chaos: $(VENV)/test ## processes die at 200 steps while people pay; then the books: make chaos KILLS=500
	@$(RUN) -m tests.chaos --kills $(KILLS)

load: $(VENV)/test ## a load run with its report: make load SCENARIO=catalogue
	@$(RUN) -m loadtests.run $(SCENARIO)

evaluate-search: $(VENV)/test ## top-1 and top-5 of the search against its evaluation set
	@$(RUN) -m tests.catalogue.evaluate_search

bench: $(VENV)/test ## latencies of a large catalogue: make bench SERVICES=1000000
	@$(RUN) -m benchmarks.scale $(SERVICES)

doctor: $(VENV)/run ## what is wrong with this machine, and how to mend it
	@$(RUN) -m api doctor

schema: $(VENV)/test ## draw sql/schema.sql and .env.example anew
	@$(RUN) tools/draw_schema.py

format: $(VENV)/test ## put the code into its form
	@$(RUN) -m ruff format . && $(RUN) -m ruff check --fix .

clean: ## remove the environment and all data of the embedded servers
	rm -rf $(VENV) .data
