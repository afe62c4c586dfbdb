# `make demo` runs duologue on the conversations that come with it; `make test` runs all checks. Both set up what they
# need in .venv and need nothing installed but Python 3.11 (or 3.12) with venv.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
VENV ?= .venv
OUT ?= demo-out
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check -qq -c constraints.txt

# Two OpenMP threads on a small network are slower than one, and have been seen to stall.
export OMP_NUM_THREADS := 1
export PYANNOTE_METRICS_ENABLED := 0

.PHONY: demo test check format setup clean
.DELETE_ON_ERROR:

demo: $(VENV)/.pipeline  ## run the main job on the embedded sample
	$(BIN)/duologue demo --out $(OUT)
	$(BIN)/duologue shards verify $(OUT)

test: check  ## all checks: the fast tests first, then the slow ones
	$(BIN)/pytest -n 2 -m "not slow"
	$(BIN)/pytest -n 2 -m slow

check: $(VENV)/.dev  ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev  ## mend the style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

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

clean:
	rm -rf $(OUT) $(OUT).consent.db $(OUT).consent.db.keys .mypy_cache .pytest_cache .ruff_cache .hypothesis dist
