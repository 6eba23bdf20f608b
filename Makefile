# Everything a person or CI runs. Needs only a Python 3.11-3.13 with venv and pip.
PYTHON ?= $(firstword $(shell command -v python3.13 python3.12 python3.11 python3 2>/dev/null))
BIN := .venv/bin
READY := .venv/.ready

.PHONY: run setup test check fix demo lock

run: setup              ## start Sextant in this terminal
	@$(BIN)/sextant chat

setup: $(READY)         ## create .venv with everything

$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else f"Sextant needs Python 3.11-3.13; {sys.executable} is {v[0]}.{v[1]}. Use: make PYTHON=/path/to/python3.12")'
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
