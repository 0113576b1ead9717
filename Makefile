# `make demo` makes a grid of pictures, `make test` runs everything CI runs.

.DEFAULT_GOAL := help
.PHONY: help serve demo editor test check faults browser bench bench-quick docs gallery node-pictures clean

# The first of these that is Python 3.11 or newer and can make virtual environments.
PYTHONS ?= python3 python3.13 python3.12 python3.11 python3.14 python
WORKS := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
FIND_PYTHON = for python in $(PYTHONS); do \
	"$$python" -c '$(WORKS)' >/dev/null 2>&1 && echo "$$python" && exit; done; \
	echo "make: found no Python 3.11 or newer with venv among: $(PYTHONS)" >&2; exit 1

BIN := .venv/bin
# A process for each core, up to four; a file's tests stay together, as they share what they set up.
PYTEST = $(BIN)/python -m pytest -q -n logical --maxprocesses 4 --dist loadfile

help:  ## Show what there is to make
	@sed -n 's/^\([a-z-]*\):.*  ## /  make \1\t/p' Makefile

.venv/installed: pyproject.toml
	@echo "installing into .venv: a few minutes and, with PyTorch's CUDA libraries, a few gigabytes"
	@python=$$($(FIND_PYTHON)) && { test -x $(BIN)/python || "$$python" -m venv .venv; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/installed-dev: .venv/installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

serve: .venv/installed  ## The server and its editor, in your browser
	-$(BIN)/nodegraph build-editor
	$(BIN)/nodegraph serve --open

editor: .venv/installed  ## Build the editor again, if its sources have changed
	$(BIN)/nodegraph build-editor

demo: .venv/installed  ## Four portraits that follow the edges of one, as a 2x2 grid in output/
	$(BIN)/nodegraph run canny-portraits

test: .venv/installed-dev  ## Everything CI runs: lint, types, fast tests, slow tests
	$(MAKE) --no-print-directory check BIN=$(BIN)

check:  ## The same in an environment of your own: make check BIN=/path/to/venv/bin
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python scripts/check_editor.py
	$(PYTEST) -m 'not slow' --cov --cov-report=
	$(PYTEST) -m 'slow and not faults' --cov --cov-append --cov-report=term:skip-covered

faults: .venv/installed-dev  ## Kill processes and fill disks for some minutes, and see that nothing is lost
	$(BIN)/python -m pytest -q -s -m faults tests/faults

browser: .venv/installed-dev  ## Only the tests that drive the editor in a browser
	$(BIN)/python scripts/check_editor.py
	$(BIN)/python -m pytest -q tests/browser

bench: .venv/installed-dev  ## Measure against diffusers' pipeline, and write docs/performance.md: about 25 minutes
	$(BIN)/python -m benchmarks.bench

bench-quick: .venv/installed-dev  ## The least of it, into output/bench: a few minutes
	$(BIN)/python -m benchmarks.bench --quick

docs: .venv/installed  ## Write the generated parts of docs/ and README.md again
	$(BIN)/python -m scripts.write_docs

gallery: .venv/installed  ## Run every shipped workflow on the tiny model and show its pictures in docs/gallery.md
	$(BIN)/python -m scripts.write_gallery

node-pictures: .venv/installed  ## Draw again what every node does, for docs/nodes.md
	$(BIN)/python -m scripts.write_node_pictures

clean:  ## Remove the virtual environment and what tools left behind
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage build dist
	rm -rf editor/node_modules nodegraph/web/editor nodegraph/web/.editor-failed
