# `make demo` and `make test` work on a fresh machine with Python >= 3.11 and a network:
# they create .venv, install the project there, and run.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
WORKERS ?= 2

.PHONY: models demo test lint languages clean

demo: $(INSTALLED)
	$(BIN)/dnnlik run likelihoods/two_regions/workspace.json --output demo --points 50000 --steps 5000 \
		--title "Two regions (dnnlik demonstration)" > demo.json
	@echo "The same as JSON: demo.json"

# In several processes, each with files of its own: half of the time on two cores. XLA keeps every
# program that it compiled, and some sixty memory maps of each, of which a process may have
# 65,530: one after the other, so that none ends with 8 GB. The longest file is begun first.
LEARNING := tests/test_tutorial.py tests/differentiable tests/inference
PARTS := dnnlik "$(LEARNING) --no-loadscope-reorder" "tests $(LEARNING:%=--ignore=%)"

test: $(INSTALLED) lint
	failed=0; for part in $(PARTS); do \
		$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $$part || failed=1; done; exit $$failed

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit("dnnlik needs Python >= 3.11; this is %d.%d: make PYTHON=python3.12" % v if v < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --quiet --editable ".[plots,test]"
	@touch $@

# What the tests of other languages and of the page need beyond Python: node modules of pinned
# versions, without their install scripts (which download), and the header of the C API.
languages: docs/examples/javascript/node_modules tests/explorer/node_modules docs/examples/c/onnxruntime

%/node_modules: %/package-lock.json
	cd $* && npm ci --ignore-scripts
	@touch $@

docs/examples/c/onnxruntime:
	docs/examples/c/header.sh

# The bundles of models/, each from a likelihood that ships with the project. About ten minutes.
MODELS := two_regions mass_peak lhc_like_search
RUN_MODEL = $(BIN)/dnnlik run $(1) --output runs/models/$(2) --sampler hamiltonian --seed 1 $(3) \
	--author "the dnnlik developers" --date 2026-11-22 --title $(4) > runs/models/$(2).json

models: $(INSTALLED)
	mkdir -p runs/models
	$(call RUN_MODEL,likelihoods/two_regions/workspace.json,two_regions,--layers 64$(COMMA)64 --points 100000,"Two regions: surrogate of a shipped workspace")
	$(call RUN_MODEL,likelihoods/mass_peak/likelihood.py,mass_peak,--layers 64$(COMMA)64 --points 100000,"Mass peak: surrogate of a shipped unbinned likelihood")
	$(call RUN_MODEL,likelihoods/lhc_like_search/likelihood.py,lhc_like_search,--layers 100$(COMMA)100 --points 200000,"LHC-like search: surrogate of a shipped likelihood of 95 parameters")
	$(BIN)/dnnlik bundle exact likelihoods/two_regions/workspace.json --output runs/models/two_regions_exact/bundle \
		--author "the dnnlik developers" --date 2026-11-22 --title "Two regions: the shipped workspace itself" > runs/models/two_regions_exact.json
	for name in $(MODELS) two_regions_exact; do \
		$(BIN)/dnnlik bundle pack runs/models/$$name/bundle --output models/$$name.zip || exit 1; done
COMMA := ,

clean:
	rm -rf $(VENV) demo demo.json
