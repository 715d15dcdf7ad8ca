# `make` prints this help.
SHELL := /bin/bash
PYTHON ?= python3
STUDY ?= demo
DATA_DIR ?= data
JOBS ?= 2
NB ?=
SONG ?=
PAGE ?= song.html
CLUSTER := $(if $(DASK),--dask "$(DASK)")
# In quotes a path may hold blanks, but the shell leaves ~ alone.
HERE := "$(subst ~/,$(HOME)/,$(DATA_DIR))"
VENV := .venv
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
# Tests and steps run side by side: threads of each would only wait for each other.
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1
export TF_CPP_MIN_LOG_LEVEL ?= 3

.DEFAULT_GOAL := help
DATASET ?= gtzan_mini
.PHONY: help run study fetch listen test test-browser test-versions lab notebooks render assignment pull site results pictures bench lint imports clean

help:  ## print this help
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 16
	@echo
	@echo "make study STUDY=gtzan DATA_DIR=path/to/data runs notebooks/studies/gtzan.yml, JOBS=$(JOBS) notebooks side by side"

$(INSTALLED): requirements.txt constraints.txt
	@"$(PYTHON)" -c 'import sys; v = sys.version_info[:2]; (3, 11) <= v <= (3, 13) or sys.exit("Python 3.11 to 3.13 is needed, $(PYTHON) is %d.%d. Try: make PYTHON=python3.12" % v)'
	@test -x $(RUN) || "$(PYTHON)" -m venv $(VENV)
	@echo "Installing requirements.txt into $(VENV) (a few minutes, once)"
	@$(RUN) -m pip install --quiet --disable-pip-version-check -c constraints.txt uv
	@# uv is quick; pip knows the index and the proxy of your pip.conf.
	@$(RUN) -m uv pip install --quiet --python $(RUN) -r requirements.txt -c constraints.txt || \
	  $(RUN) -m pip install --quiet --disable-pip-version-check -r requirements.txt -c constraints.txt
	@env -u PYTHONDONTWRITEBYTECODE $(RUN) -m notebooks.tools.warmup all
	@touch $@

run: $(INSTALLED)  ## run the demo study: every notebook, trained networks, a report
	@$(RUN) -m notebooks.tools.run notebooks/studies/demo.yml --data-dir $(HERE) --jobs $(JOBS) $(CLUSTER)

study: $(INSTALLED)  ## run one study: STUDY=gtzan DATA_DIR=... JOBS=... DASK=local|ADDRESS
	@$(RUN) -m notebooks.tools.run "notebooks/studies/$(STUDY).yml" --data-dir $(HERE) --jobs $(JOBS) $(CLUSTER)

fetch: $(INSTALLED)  ## download a data set: DATASET=fma_small DATA_DIR=data
	@$(RUN) -m helpers.datasets "$(DATASET)" $(HERE)

test: $(INSTALLED)  ## lint, unit tests, notebook checks and the small study; FAST=1 leaves out what starts processes
	@$(ONE_THREAD) $(RUN) -m pytest -q -n $(JOBS) $(if $(FAST),-m "not processes")

test-browser: $(INSTALLED)  ## every test in a browser: JupyterLab runs pages, site, song page, library page
	@$(ONE_THREAD) $(RUN) -m pytest -q -n $(JOBS) -m browser

test-versions: $(INSTALLED)  ## the tests with the oldest and the newest packages and those of Colab
	@$(ONE_THREAD) $(RUN) -m tests.versions

listen: $(INSTALLED)  ## a page to look at and listen to: SONG=path of a song or of a folder, PAGE=song.html
	@test -n "$(SONG)" || { echo "Say what to listen to: make listen SONG=path/to/song.mp3, or SONG=path/to/folder"; exit 2; }
	@$(RUN) -m helpers.classify "$(subst ~/,$(HOME)/,$(SONG))" --page "$(PAGE)" --data-dir $(HERE)

lab: $(INSTALLED)  ## open JupyterLab
	@$(RUN) -m jupyterlab notebooks

notebooks: $(INSTALLED)  ## build notebooks/*.ipynb from notebooks/src (NB=05 for one)
	@$(RUN) -m notebooks.tools.build build $(NB)

render: $(INSTALLED)  ## run the demo study and keep its outputs in the notebooks; NB=05 executes that one alone
	@$(if $(NB),$(RUN) -m notebooks.tools.build render $(NB),$(MAKE) run && $(RUN) -m notebooks.tools.build keep)

assignment: $(INSTALLED)  ## a notebook for a class, without outputs and solutions, and one for its teacher (NB=05)
	@test -n "$(NB)" || { echo "Say which notebook: make assignment NB=05"; exit 2; }
	@$(RUN) -m notebooks.tools.classroom $(NB)

pull: $(INSTALLED)  ## bring an edit made in JupyterLab back into notebooks/src (NB=05)
	@$(RUN) -m notebooks.tools.build pull $(NB)

site: $(INSTALLED)  ## the whole series as static pages, in runs/site
	@rm -rf runs/site
	@$(RUN) -m uv tool run --quiet --python $(RUN) --from sphinx --with-requirements notebooks/site/requirements.txt \
	  sphinx-build -q -W --keep-going -c notebooks/site . runs/site
	@echo "Open runs/site/index.html"

results: $(INSTALLED)  ## keep the comparison of a finished study with the series (STUDY=demo_full)
	@$(RUN) -m notebooks.tools.results "$(STUDY)"

pictures: $(INSTALLED)  ## the README's picture of a song page, taken in a browser
	@$(RUN) -m tests.pictures

bench: $(INSTALLED)  ## one table: speed and memory beside what one would use instead
	@$(RUN) -m uv pip install --quiet --python $(RUN) -r tests/benchmarks/requirements.txt -c constraints.txt
	@$(RUN) tests/benchmarks/bench_side_by_side.py

lint: $(INSTALLED)  ## ruff on helpers, tests and notebook sources
	@$(RUN) -m ruff check .

imports: $(INSTALLED)  ## draw which module imports which, into CONTRIBUTING.md
	@$(RUN) -m tests.imports

clean:  ## remove the environment and what runs left behind (data stays)
	rm -rf $(VENV) runs .pytest_cache .ruff_cache
