# Sekisho. `make up` starts everything, `make test` checks everything; both install what they need.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
ARGS ?=
PIP = -m pip --disable-pip-version-check --quiet
.DEFAULT_GOAL := help
.PHONY: help up check test bench bench-rows bench-search plugins lint format clean

help:  ## list the targets
	@grep -hE '^[a-z][a-z-]*:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

up: .venv .venv-open-webui  ## start model, gateway and Open WebUI with the pack (ARGS="--check" proves it and stops)
	.venv/bin/sekisho up $(ARGS)

check: .venv  ## style, types, plugins, and the quick tests that need no server, browser or network
	.venv/bin/ruff check . && .venv/bin/ruff format --check .
	.venv/bin/python -m plugins.build --check
	.venv/bin/mypy
	.venv/bin/pytest -q -m quick -n auto --dist loadfile $(ARGS)

test: .venv .venv-open-webui .venv-open-webui-0.11  ## install what the tests need and run the whole suite
	.venv/bin/python -m tests.setup
	.venv/bin/ruff check . && .venv/bin/ruff format --check .
	.venv/bin/mypy
	$(call tested,-q -m quick -n auto --dist loadfile)
	$(call tested,-q -m beside -n 2 --dist loadfile)
	$(call tested,-m "not quick and not beside and not alone" -n 2 --dist loadgroup)
	$(call tested,-m alone)

bench: .venv  ## measure the gateway beside its peers, then the ledger
	.venv/bin/python -m tests.bench $(ARGS)
	.venv/bin/python -m tests.bench.ledger_storage
	.venv/bin/python -m tests.bench.usage_report
	.venv/bin/python -m tests.bench.translation
	.venv/bin/python -m tests.bench.mcp

bench-rows: .venv  ## questions about fifty million records (makes them first, which takes a quarter of an hour)
	.venv/bin/python -m tests.bench.usage_rows

bench-search: .venv .venv-open-webui  ## document search beside Open WebUI's own, over the corpus (half an hour)
	.venv/bin/python -m tests.bench.document_search $(ARGS)

plugins: .venv  ## join the sources of the plugins into filters/, pipes/ and functions/
	.venv/bin/python -m plugins.build

lint: .venv  ## style and types
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy

format: .venv  ## rewrite to the house style
	.venv/bin/ruff check --fix . && .venv/bin/ruff format .

clean:  ## remove the environments and what the embedded stack wrote
	rm -rf .venv .venv-open-webui .venv-open-webui-0.11 .virtualenv sekisho-data test-artefacts

# What fails beside other work is told, and tried once more by itself; what fails twice fails the suite.
tested = .venv/bin/pytest --hypothesis-profile=repeatable $(1) $(ARGS) || { echo "Tried again, alone: the tests above that failed."; \
	.venv/bin/pytest --hypothesis-profile=repeatable $(1) -n 0 --last-failed --last-failed-no-failures none $(ARGS); }

# Debian's Python may come without ensurepip; pip alone then brings virtualenv.
create = test -x $(1)/bin/python || $(PYTHON) -m venv $(1) 2>/dev/null || { rm -rf $(1) && \
	$(PYTHON) -m pip install --quiet --target .virtualenv virtualenv && \
	PYTHONPATH=.virtualenv $(PYTHON) -m virtualenv --quiet $(1); }

# The stamp is written last, so an interrupted installation starts over.
.venv: .venv/.installed
.venv/.installed: pyproject.toml constraints.txt
	@echo "Creating .venv (about a minute) …"
	@$(call create,.venv)
	@.venv/bin/python $(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@

.venv-open-webui: .venv-open-webui/.installed
.venv-open-webui/.installed: constraints-open-webui.txt
	@echo "Creating .venv-open-webui (Open WebUI 0.12.4, about two minutes and 3 GB) …"
	@$(call create,.venv-open-webui)
	@.venv-open-webui/bin/python $(PIP) install --constraint constraints-open-webui.txt torch==2.13.0 open-webui==0.12.4
	@touch $@

# The oldest that the installer speaks to, for its tests. It shares 0.12.4's packages but those that it pins otherwise.
.venv-open-webui-0.11: .venv-open-webui-0.11/.installed
.venv-open-webui-0.11/.installed: tests/install/open-webui-0.11.txt .venv-open-webui/.installed
	@echo "Creating .venv-open-webui-0.11 (half a minute) …"
	@$(call create,.venv-open-webui-0.11)
	@.venv-open-webui-0.11/bin/python $(PIP) install --no-deps --requirement tests/install/open-webui-0.11.txt
	@.venv-open-webui/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" > \
	  "$$(.venv-open-webui-0.11/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/shared.pth"
	@touch $@
