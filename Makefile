# `make demo` runs duologue on the conversations that come with it; `make test` runs all checks; `make help` lists the rest.
# They set up what they need in .venv and need nothing installed but Python 3.11 (or 3.12) with venv.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
VENV ?= .venv
NEWEST ?= .venv-newest
OUT ?= demo-out
# What `make profile` looks at: a command of duologue that works in one thread, for cProfile sees no other.
PROFILED ?= annotate pipeline/duologue_pipeline/demo/audio/demo-garden.flac --out /dev/null
# Per cent of the lines that the fast tests run in their own processes, and no less: 94.7 when it was set.
COVERED := 94
# Tests that meet the code of other projects, whose newest versions may differ; the rest is arithmetic and text of our own.
MEET_OTHERS := $(addprefix tests/,cards schemas test_packaging.py $(addprefix pipeline/,codec engines export files ingest models read reader \
  release retokenize run shards stages test_run.py tokens torch transcripts views))
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check -qq -c constraints.txt
PIP_NEWEST := $(NEWEST)/bin/python -m pip install --disable-pip-version-check -qq

# Two OpenMP threads on a small network are slower than one, and have been seen to stall.
export OMP_NUM_THREADS := 1
export PYANNOTE_METRICS_ENABLED := 0

.PHONY: help demo test test-newest fast lint check format profile setup clean
.DELETE_ON_ERROR:

demo: $(VENV)/.pipeline  ## run the main job on the embedded sample
	$(BIN)/duologue demo --out $(OUT)
	$(BIN)/duologue shards verify $(OUT)

help:  ## list these targets
	@sed -nE 's/^([a-z-]+):[^#]*  ## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

test: lint  ## all checks with the versions of constraints.txt: style, types, the fast tests and their coverage, the slow tests
	$(BIN)/pytest -n 2 -m "not slow" --cov --cov-fail-under=$(COVERED)
	$(BIN)/pytest -n 2 -m slow

test-newest:  ## the fast tests that meet other projects' code and a run with Mimi, with the newest versions that pyproject.toml allows
	@test -n "$(PYTHON)" || { echo "make: no Python found; install Python 3.11 with its venv module" >&2; exit 1; }
	test -x $(NEWEST)/bin/python || $(PYTHON) -m venv $(NEWEST)
	$(PIP_NEWEST) "torch==2.13.0"
	$(PIP_NEWEST) --upgrade --upgrade-strategy eager --editable ".[pipeline,dev]"
	@echo "Other than in constraints.txt:"
	@$(NEWEST)/bin/python -m pip list --disable-pip-version-check --format=freeze --exclude-editable | grep -vixFf constraints.txt || true
	$(NEWEST)/bin/pytest -n 2 -m "not slow" $(MEET_OTHERS)
	$(NEWEST)/bin/pytest -n 2 tests/end_to_end/test_mimi.py

fast: $(VENV)/.dev  ## the fast tests alone
	$(BIN)/pytest -n 2 -m "not slow"

lint: $(VENV)/.dev  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: lint

format: $(VENV)/.dev  ## mend the style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

profile: $(VENV)/.pipeline  ## the 25 most costly functions of a conversation's annotation, or of PROFILED="another command"
	$(BIN)/python scripts/profile_command.py $(PROFILED)

setup: $(VENV)/.dev  ## everything a developer needs

# torch comes first and pinned: any other version brings gigabytes of CUDA libraries.
$(VENV)/.pipeline: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "make: no Python found; install Python 3.11 with its venv module" >&2; exit 1; }
	@echo "Setting up $(VENV) (about 1.5 GB, some minutes the first time)"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) "torch==2.13.0"
	$(PIP) --editable ".[pipeline]"
	touch $@

$(VENV)/.dev: $(VENV)/.pipeline
	$(PIP) --editable ".[pipeline,dev]"
	touch $@

clean:  ## remove what these targets make, but for the environments
	rm -rf $(OUT) $(OUT).consent.db $(OUT).consent.db.keys .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage* dist
