# Two commands from a fresh clone: `make demo` and `make test`. Needs Python 3.11+, make and git.
# Everything goes into .venv; what has not changed is not done twice.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMPS := $(VENV)/stamps
PIP    := $(BIN)/python -m pip --disable-pip-version-check --require-virtualenv

# The install is a tree of links: it must be laid again when a file comes or goes, not when one
# changes. The list is compared on every call and touched only when it differs.
FILES  := $(STAMPS)/files

# One more than there are cores: some tests wait for processes of their own.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')

# Everything a test could depend on; empty outside a git checkout, where tests always run.
define STATE
{ git ls-files -z --cached --others --exclude-standard | xargs -0 sha256sum 2>/dev/null; \
  $(BIN)/python -m pip freeze --disable-pip-version-check; \
  $(BIN)/python -VV; echo "$${TRADEWIND_REQUIRE_ALL:-}"; command -v chromium chromedriver || true; \
} | sha256sum | cut -c1-64
endef

.PHONY: help demo test bench peers lint pytest install install-dev clean FORCE

help:
	@echo "make demo         install, then backtest the default config; prints where its report is"
	@echo "make test         install what tests need, check style and types, run every test"
	@echo "make test AGAIN=1 run them although nothing has changed since they passed"
	@echo "make lint         style, types and layers only"
	@echo "make bench        run every benchmark and write docs/benchmarks.md; minutes"
	@echo "make peers        other backtesters and neuralforecast, in environments of their own, for make bench"
	@echo "make install      .venv with the package; install-dev adds what tests need"
	@echo "make clean        remove .venv, .venv-peers and what was built"

demo: install
	@$(BIN)/tradewind backtest --out results

test: install-dev
	@state=$$(git rev-parse --git-dir >/dev/null 2>&1 && $(STATE) || true); \
	passed=$(STAMPS)/passed-$$state; \
	if [ -n "$$state" ] && [ -z "$(AGAIN)" ] && [ -f "$$passed" ]; then \
	  echo "Nothing has changed since the tests passed; make test AGAIN=1 runs them again. Then:"; \
	  cat "$$passed"; \
	else \
	  rm -f $(STAMPS)/passed-*; \
	  $(MAKE) --no-print-directory lint pytest; \
	  if [ -n "$$state" ]; then tail -n 1 $(STAMPS)/pytest.log > "$$passed"; fi; \
	fi

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

pytest: install-dev
	@command -v chromium chromium-browser google-chrome >/dev/null \
	  || echo "No Chromium here: tests of the report in a browser are skipped (.ci/run installs it)."
	@command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 \
	  || echo "No PostgreSQL here: tests of sweeps on it are skipped (.ci/run installs it)."
	$(BIN)/pytest -n $(WORKERS) -rs | tee $(STAMPS)/pytest.log

bench: install
	$(BIN)/python benchmarks/document.py

# Never dependencies: each lives where it cannot touch ours, and one that does not install is
# reported as absent. NautilusTrader needs an older pandas than vectorbt.
PEERS := .venv-peers

peers: $(PEERS)/main/installed $(PEERS)/nautilus/installed $(PEERS)/neuralforecast/installed

$(PEERS)/main/installed: WANTED := vectorbt[rust] raptorbt bt backtrader
$(PEERS)/main/installed: benchmarks/peers.txt
$(PEERS)/nautilus/installed: WANTED := nautilus_trader
$(PEERS)/nautilus/installed: benchmarks/peers-nautilus.txt
$(PEERS)/neuralforecast/installed: WANTED := neuralforecast
$(PEERS)/neuralforecast/installed: benchmarks/peers-neuralforecast.txt
$(PEERS)/%/installed:
	$(PYTHON) -m venv --clear $(@D)
	@for peer in $(WANTED); do \
	  $(@D)/bin/python -m pip --disable-pip-version-check install --quiet --constraint $< "$$peer" \
	    || echo "$$peer does not install here; its rows will say so"; \
	done
	@touch $@

install: $(STAMPS)/package
install-dev: $(STAMPS)/package $(STAMPS)/dev

$(STAMPS)/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "tradewind needs Python 3.11 or newer and found $$($(PYTHON) --version);" \
	       "name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@mkdir -p $(STAMPS)
	@touch $@

$(STAMPS)/dependencies: pyproject.toml constraints.txt | $(STAMPS)/venv
	$(PIP) install --quiet --constraint constraints.txt setuptools wheel
	$(PIP) install --quiet --constraint constraints.txt --no-build-isolation --editable .
	@touch $@

$(STAMPS)/dev: pyproject.toml constraints.txt | $(STAMPS)/package
	$(PIP) install --quiet --constraint constraints.txt --no-build-isolation --editable '.[dev]'
	@touch $@

$(FILES): FORCE | $(STAMPS)/venv
	@find engine forecasters strategies configs tests/contracts -type f ! -name '*.pyc' | LC_ALL=C sort > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

$(STAMPS)/package: $(FILES) $(STAMPS)/dependencies
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

clean:
	rm -rf $(VENV) $(PEERS) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	  .import_linter_cache

FORCE:
