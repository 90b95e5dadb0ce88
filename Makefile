# `make demo` and `make test` work on a fresh machine with Python >= 3.11 and a network:
# they create .venv, install the project there, and run.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
WORKERS ?= 2

.PHONY: demo test lint languages clean

demo: $(INSTALLED)
	$(BIN)/dnnlik run likelihoods/two_regions/workspace.json --output demo --points 50000 --steps 5000 \
		--title "Two regions (dnnlik demonstration)" > demo.json
	@echo "The same as JSON: demo.json"

# In several processes, each with files of its own: half of the time on two cores, and XLA keeps
# some sixty memory maps for each compiled program, of which a process may have 65,530.
test: $(INSTALLED) lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit("dnnlik needs Python >= 3.11; this is %d.%d: make PYTHON=python3.12" % v if v < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[plots,test]"
	@touch $@

# What the tests of other languages and of the page need beyond Python: node modules of pinned
# versions, without their install scripts (which download), and the header of the C API.
languages: docs/examples/javascript/node_modules tests/explorer/node_modules docs/examples/c/onnxruntime

%/node_modules: %/package-lock.json
	cd $* && npm ci --ignore-scripts
	@touch $@

docs/examples/c/onnxruntime:
	docs/examples/c/header.sh

clean:
	rm -rf $(VENV) demo demo.json
