# Every target creates what it needs; on a fresh machine Python 3.11 or newer and make are enough.
# PYTHON=... picks the interpreter, PYTEST_ARGS=... goes to pytest.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
PYTHON ?=
PYTEST_ARGS ?=
# The slow ones, which run in parallel.
CHECKS := check-pyright check-mypy check-lint-imports

# pyright's wrapper would otherwise ask whether there is a newer one.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.PHONY: help demo test test-fast test-more test-agents check $(CHECKS) format docs bench coverage lock packages dev clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "make %-10s %s\n", $$1, $$2 }'

demo: $(VENV)/.run ## approve a release in a local Slack and a local Telegram, in the browser; no account, no files left behind
	@$(BIN)/sayso demo --chat

test: $(VENV)/.dev packages ## all tests except those of `make test-more`
	$(BIN)/python -m pytest -n auto --dist worksteal $(PYTEST_ARGS)

test-fast: $(VENV)/.dev ## the quick tests: no whole services, browsers, PostgreSQL, kills or long hypothesis suites
	scripts/in-memory $(BIN)/python -m pytest -n auto --dist worksteal -m "not slow and not more" $(PYTEST_ARGS)

test-more: $(VENV)/.dev packages ## slow tests: every kill point of the chats, agent frameworks, the npm package, ten minutes of chaos
	$(BIN)/python -m pytest -n auto --dist worksteal -m more $(PYTEST_ARGS)

test-agents: $(VENV)/.dev ## hooks with the real Claude Code and Codex, which must be on the path, against fake models
	$(BIN)/python -m pytest -m agents $(PYTEST_ARGS)

check: $(VENV)/.dev ## format, lint, both type checkers, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target $(CHECKS)

$(CHECKS): check-%:
	$(BIN)/$*

format: $(VENV)/.dev ## format, and fix what can be fixed safely
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/.dev ## the documentation as a site, in site/; fails on a broken link
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "Open site/index.html, or run $(BIN)/mkdocs serve to read along while you write."

bench: $(VENV)/.run ## run the benchmarks and print their table
	$(BIN)/python benchmarks/run.py

coverage: $(VENV)/.dev packages ## all tests, and the lines that none of them ran
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(PYTEST_ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

lock: ## update requirements/*.txt to the newest versions that pyproject.toml allows
	@scripts/lock

packages: ## install Chromium and PostgreSQL for the tests, where they are missing
	@scripts/install-packages

dev: $(VENV)/.dev ## create .venv with everything you need for development

clean: ## remove what make created; databases (*.db) stay
	rm -rf $(VENV) .venv-lock .venv-bridges build dist site clients/typescript/dist clients/typescript/node_modules htmlcov \
		.coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A dangling link, left by an interpreter that is gone, counts as missing and is made again.
$(BIN)/python:
	@PYTHON="$(PYTHON)" scripts/create-venv $(VENV)

# What running needs, and what developing needs on top: only files whose hashes are known, then sayso itself and its client
# without looking at an index.
install = $(PIP) install --quiet --require-hashes -r $(1) && $(PIP) install --quiet --no-deps --no-build-isolation -e clients/python -e .

$(VENV)/.run: pyproject.toml clients/python/pyproject.toml requirements/run.txt | $(BIN)/python
	@echo "Installing what sayso needs into $(VENV). This can take a minute."
	@$(call install,requirements/run.txt)
	@touch $@

$(VENV)/.dev: pyproject.toml clients/python/pyproject.toml requirements/dev.txt | $(BIN)/python
	@echo "Installing what sayso and its development need into $(VENV). This can take some minutes."
	@$(call install,requirements/dev.txt)
	@touch $@ $(VENV)/.run
