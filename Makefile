# Everything a person or CI runs. Needs only a Python 3.11-3.13 with venv and pip.
SUITS := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
  $$p -c '$(SUITS)' >/dev/null 2>&1 && echo $$p && break; done)
BIN := .venv/bin
READY := .venv/.ready

.PHONY: run setup test check fix demo lock

run: setup              ## start the web chat and the HTTP API; prints the address
	@$(BIN)/sextant serve

setup: $(READY)         ## create .venv with everything

$(READY): requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Sextant needs Python 3.11, 3.12 or 3.13; say: make PYTHON=/path/to/python3.12"; exit 2; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

test: setup             ## all tests
	$(BIN)/python -m pytest -n auto

check: setup            ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: setup              ## format and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

demo: setup             ## the scripted session: words to verdict, under a minute
	@$(BIN)/sextant demo

lock: setup             ## renew requirements.txt (needs uv on PATH); it records hashes and no addresses
	uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" -o requirements.txt
