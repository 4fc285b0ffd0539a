# Every target sets up what it needs by itself. PYTHON=/path/to/python picks the Python
# (3.10 or 3.11), ARGS are handed on to pytest or to `spotfw demo`.
VENV ?= .venv
PYTHON ?=
ARGS ?=
# Test processes; each loads TensorFlow (about 1 GB).
WORKERS ?= 2

BIN := $(VENV)/bin
READY := $(VENV)/.spotfw-ready
INPUTS := $(wildcard requirements/*.txt) requirements/setup.sh pyproject.toml \
	$(wildcard plugins/*/pyproject.toml)

.PHONY: setup demo test quick lint docs clean

setup: $(READY)

$(READY): $(INPUTS)
	@sh requirements/setup.sh $(VENV) $(PYTHON)
	@touch $@

demo: $(READY)
	$(BIN)/spotfw demo $(ARGS)

test: $(READY)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

quick: $(READY)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not slow" $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict spotfw

docs: $(READY)
	$(BIN)/python docs/plugins/make_hooks.py
	$(BIN)/python docs/plugins/make_policy.py
	$(BIN)/python docs/make_tasks.py

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
