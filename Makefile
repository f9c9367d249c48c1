# Every target creates what it needs; on a fresh machine Python 3.11 or newer and make are enough.
# PYTHON=... picks the interpreter, PYTEST_ARGS=... goes to pytest.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
PYTHON ?=
PYTEST_ARGS ?=
# Those that take long, beside each other.
CHECKS := check-pyright check-mypy check-lint-imports

# pyright's wrapper would otherwise ask whether there is a newer one.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.PHONY: help demo test test-fast test-more test-agents check $(CHECKS) format docs bench coverage lock browser dev clean

help: ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "make %-10s %s\n", $$1, $$2 }'

demo: $(VENV)/.run ## approve a release in a local Slack and a local Telegram, in the browser; no account, no files left behind
	@$(BIN)/sayso demo --chat

test: $(VENV)/.dev browser ## all tests but those of `make test-more`
	$(BIN)/python -m pytest -n auto --dist worksteal $(PYTEST_ARGS)

test-fast: $(VENV)/.dev ## the tests without whole services, browsers, kills and long hypothesis suites
	scripts/in-memory $(BIN)/python -m pytest -n auto --dist worksteal -m "not slow and not more" $(PYTEST_ARGS)

test-more: $(VENV)/.dev browser ## what takes too long for each change: all kill points of the chats, agent frameworks, the npm package, chaos for ten minutes
	$(BIN)/python -m pytest -n auto --dist worksteal -m more $(PYTEST_ARGS)

test-agents: $(VENV)/.dev ## hooks with Claude Code and Codex themselves, which have to be on the path, against fakes of their models
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

docs: $(VENV)/.dev ## the documentation as a site, in site/; fails on a link that leads nowhere
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "Open site/index.html, or run $(BIN)/mkdocs serve to read along while you write."

bench: $(VENV)/.run ## the benchmark's table
	$(BIN)/python benchmarks/run.py

coverage: $(VENV)/.dev browser ## all tests, with the lines that none of them reached
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(PYTEST_ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

lock: ## write requirements/*.txt again, from the newest versions that pyproject.toml allows
	@scripts/lock

browser: ## Chromium, for the browser tests, where it is missing
	@scripts/install-browser

dev: $(VENV)/.dev ## .venv with everything that developing needs

clean: ## remove what the targets made; stores (*.db) stay
	rm -rf $(VENV) .venv-lock .venv-bridges build dist site clients/typescript/dist clients/typescript/node_modules htmlcov \
		.coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A dangling link, left by an interpreter that is gone, counts as missing and is made anew.
$(BIN)/python:
	@PYTHON="$(PYTHON)" scripts/create-venv $(VENV)

# What running needs, and what developing needs on top: only files whose hashes are known, then sayso itself and its client
# without a look at an index.
install = $(PIP) install --quiet --require-hashes -r $(1) && $(PIP) install --quiet --no-deps --no-build-isolation -e clients/python -e .

$(VENV)/.run: pyproject.toml clients/python/pyproject.toml requirements/run.txt | $(BIN)/python
	$(call install,requirements/run.txt)
	@touch $@

$(VENV)/.dev: pyproject.toml clients/python/pyproject.toml requirements/dev.txt | $(BIN)/python
	$(call install,requirements/dev.txt)
	@touch $@ $(VENV)/.run
