# Every target sets itself up in .venv: a bare machine needs Python 3.11 or newer, make and a package index.

# TORCH_INDEX=<url> takes torch from an index that has builds without CUDA: 4 GB less on a machine without a GPU.

PYTHON ?= python3
TORCH_INDEX ?=
BIN := .venv/bin
READY := .venv/.ready
UV := $(shell command -v uv 2>/dev/null || echo $(BIN)/uv)
export OMP_NUM_THREADS := 1

.PHONY: demo test check bench null reports setup constraints

demo: $(READY)  ## audit a 4-bit spiking network on data that ships with a dependency
	$(BIN)/mia-audit run --target snn-q4 --surrogate sre

test: $(READY)  ## run every test
	$(BIN)/python -m pytest -n auto --maxprocesses 8 --dist loadfile

check: $(READY)  ## lint, format, types, import directions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/python -m pytest -q tests/test_house.py

bench: $(READY)  ## measure speed and memory
	$(BIN)/python benchmarks/run_all.py

null: $(READY)  ## false-alarm rates and coverage of every attack, metric and bound
	$(BIN)/python -m benchmarks.null

reports: $(READY)  ## render reports/ again
	$(BIN)/python benchmarks/reports.py

setup: $(READY)  ## install into .venv and do nothing else

constraints: $(READY)  ## pin the newest versions; run the tests before committing them
	$(UV) pip compile --quiet --upgrade --no-header --no-annotate --python $(BIN)/python --group dev pyproject.toml -o constraints.txt

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("mia-audit needs Python 3.11 or newer, got %d.%d; name another: make PYTHON=python3.11" % sys.version_info[:2])'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	test -x $(UV) || $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt uv
	$(if $(TORCH_INDEX),$(UV) pip install --quiet --python $(BIN)/python --no-deps --index-url $(TORCH_INDEX) --constraints constraints.txt torch torchvision)
	$(UV) pip install --quiet --python $(BIN)/python --compile-bytecode --constraints constraints.txt --build-constraints constraints.txt --editable . --group dev
	touch $(READY)
