# Each target does all of its own set-up: `make serve` and `make test` work in a fresh clone.

PYTHON ?= python3
PORT   ?= 5006
VENV    = .venv
BIN     = $(VENV)/bin
READY   = $(VENV)/ready

.DEFAULT_GOAL := help
.PHONY: help serve lab test slow deep lint check format lock doctor browser arrow bench bench-quick clean

help:            ## list the targets
	@grep -hE '^[a-z-]+: .*##|^[a-z-]+:  *##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

serve: $(READY)  ## serve the dashboards on 127.0.0.1:5006 (PORT= changes it)
	@$(BIN)/workbench serve --port $(PORT)

lab: $(READY)    ## open JupyterLab in notebooks/
	@$(BIN)/workbench lab notebooks

test: $(READY) browser  ## run all tests but those that take minutes
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal -m "not browser and not slow"
	$(BIN)/python -m pytest -m "browser and not slow"

slow: $(READY) browser  ## run the tests that take minutes
	$(BIN)/python -m pytest -m slow

deep: $(READY)   ## run the property tests with twelve times the examples, on all cores
	WORKBENCH_EXAMPLES=12 $(BIN)/python -m pytest --numprocesses auto --dist worksteal tests/properties

lint: $(READY)   ## format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint      ## all that lint looks at, and all tests but those in a browser
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal -m "not browser and not slow"

format: $(READY) ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(READY)   ## renew requirements.lock from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		--upgrade --extra dev pyproject.toml -o requirements.lock

arrow: $(READY)  ## run the engine's tests where pandas keeps text in Arrow's layout, as it does where pyarrow is installed
	@$(BIN)/python -m benchmarks.environments quick pytest tests/unit/engine tests/unit/sinks

bench-quick: $(READY) browser ## the targets of speed, as ratios, in two or three minutes
	@$(BIN)/python -m benchmarks.environments quick benchmarks.quick

bench: $(READY)  ## all peers, each in an environment of its own: hours (BENCH="--rows 1000000" for less)
	@$(BIN)/python -m benchmarks.environments quick benchmarks.bench $(BENCH)

doctor: $(READY) ## look whether everything is there
	@$(BIN)/workbench doctor

# The browser tests need Chromium: taken from the system's packages where we may install them, else they say so.
browser: $(READY)
	@command -v chromium chromium-browser google-chrome >/dev/null 2>&1 || { \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
			echo "installing chromium for the browser tests"; \
			apt-get update -qq >/dev/null && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; \
		else echo "note: no Chromium here, so the browser tests will be skipped (install the package chromium)"; fi; }

clean:           ## remove the virtual environment and all caches
	rm -rf $(VENV) .bench .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment is made anew when the lock or the package's description changes. uv does in seconds what pip does
# in minutes; both take exactly the versions of requirements.lock.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed; this is `$(PYTHON) --version`. Try: make PYTHON=python3.12 ..."; exit 1; }
	@echo "setting up $(VENV) (once; a minute or so)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.9"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $(READY)
