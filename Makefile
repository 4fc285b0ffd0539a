# Every target sets up what it needs by itself. PYTHON=/path/to/python picks the Python
# (3.10 or 3.11), ARGS are handed on to pytest or to `spotfw demo`.
VENV ?= .venv
# For the site and the commit hooks: MkDocs needs other versions than TensorFlow 2.15 does.
TOOLS ?= .venv-tools
PYTHON ?=
ARGS ?=
# Test processes; each loads TensorFlow (about 1 GB).
WORKERS ?= 2

# Several processes share the cores: PyTorch's threads, which wait by spinning, do so briefly.
export GOMP_SPINCOUNT ?= 1000

BIN := $(VENV)/bin
READY := $(VENV)/.spotfw-ready
INPUTS := $(wildcard requirements/py*.txt) requirements/setup.sh \
	requirements/choose_python.sh pyproject.toml \
	$(wildcard plugins/*/pyproject.toml)

.PHONY: setup demo demo-table test quick snapshots tutorial kernels lint plugins docs site hooks hygiene clean

setup: $(READY)

$(READY): $(INPUTS)
	@sh requirements/setup.sh $(VENV) $(PYTHON)
	@touch $@

# Without ARGS both: the whole recipe on generated tasks, then English text.
demo: $(READY)
	$(BIN)/spotfw demo $(ARGS)
	$(if $(ARGS),,$(BIN)/spotfw demo --model english --seeds 1)

test: $(READY)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

quick: $(READY)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not slow" $(ARGS)

# Runs the demo and writes the README's table of it.
demo-table: $(READY)
	mkdir -p build && $(BIN)/spotfw demo --json >build/demo.json
	$(BIN)/python docs/make_demo.py build/demo.json

# Draws every command's screens anew: look at what has changed before you commit it.
snapshots: $(READY)
	SPOTFW_RENEW_SNAPSHOTS=1 $(BIN)/python -m pytest -q tests/cli/test_snapshots.py $(ARGS)

# Runs the tutorial and writes docs/tutorial.ipynb with what came of it.
tutorial: $(READY)
	$(BIN)/python docs/make_tutorial.py

# The numerical tests by other kernels of OpenBLAS, and with one thread and several.
KERNELS ?= Haswell SkylakeX Nehalem
THREADS ?= 1 4
NUMERICAL ?= tests/test_metrics.py tests/ranking tests/tasks/scoring tests/study/findings \
	tests/testing/test_numpy_model.py plugins/spotfw-metrics/tests plugins/spotfw-strategies/tests \
	plugins/spotfw-torch/tests
KERNEL_OF := import numpy, threadpoolctl as t; \
	print([(p["internal_api"], p.get("architecture"), p["num_threads"]) for p in t.threadpool_info()])

kernels: $(READY)
	@for kernel in $(KERNELS); do for threads in $(THREADS); do \
		export OPENBLAS_CORETYPE=$$kernel OPENBLAS_NUM_THREADS=$$threads \
			OMP_NUM_THREADS=$$threads TF_NUM_INTRAOP_THREADS=$$threads; \
		echo "$$kernel, $$threads threads:"; $(BIN)/python -c '$(KERNEL_OF)'; \
		$(BIN)/python -m pytest -q -m "not slow" $(NUMERICAL) $(ARGS) || exit 1; \
	done; done

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict spotfw

# Each plugin's tests, in an environment made from wheels; ARGS names plugins.
plugins: $(READY)
	$(BIN)/python requirements/plugin_tests.py $(ARGS)

docs: $(READY)
	$(BIN)/python docs/plugins/make_hooks.py
	$(BIN)/python docs/plugins/make_policy.py
	$(BIN)/python docs/make_tasks.py

# The documentation as pages of HTML, links checked: build/site/index.html.
site: $(TOOLS)/.ready
	$(TOOLS)/bin/python docs/site/build.py $(ARGS)

# Checks every commit from now on; .pre-commit-config.yaml says for what.
hooks: $(READY) $(TOOLS)/.ready
	$(TOOLS)/bin/pre-commit install

# The same for all files, without what `make lint` does.
hygiene: $(TOOLS)/.ready
	SKIP=ruff,ruff-format,mypy $(TOOLS)/bin/pre-commit run --all-files --show-diff-on-failure

$(TOOLS)/.ready: requirements/tools.txt requirements/tools.sh
	@sh requirements/tools.sh $(TOOLS) $(PYTHON)
	@touch $@

clean:
	rm -rf $(VENV) .venv-newer $(TOOLS) build dist *.egg-info plugins/*/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
