# Two commands matter: `make demo` shows what this is, `make test` proves it.
# Everything installs into .venv and nothing outside this folder is touched, but by what needs root:
# test-vm installs Debian packages and keeps a kernel in ~/.cache, and is skipped without.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# pytest keeps the tests that it has rewritten; else each of its workers does that anew, 4 s long.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test check test-postgres test-vm bench deb clean

demo: $(VENV)/.ready-demo
	@$(BIN)/bluezone-node demo

# More side by side than there are cores, because they wait: for processes, listening, the air;
# in the order of tests/order.py. The machines apart: a kernel that is kept waiting loses what is on
# the air.
test: check
	@$(BIN)/pytest -n 4 --dist loadfile -m "(slow or postgres) and not vm"
	@$(MAKE) --no-print-directory test-vm

# The part of the tests that needs Debian's postgresql: on a server of their own, thrown away after.
test-postgres: $(VENV)/.ready-dev
	@$(BIN)/pytest -n auto --dist loadfile -m postgres

# A machine with a kernel, BlueZ and Bluetooth controllers of its own, all of them software.
test-vm: $(VENV)/.ready-dev
	@$(BIN)/python -m tests.vm
	@$(BIN)/pytest -n 2 --dist loadfile -m vm

# While one core looks at types the other rewrites the tests, so that the workers need not.
check: $(VENV)/.ready-dev
	@$(BIN)/pytest --collect-only --quiet >/dev/null 2>&1 & \
	  $(BIN)/ruff check . && $(BIN)/ruff format --check --quiet . && $(BIN)/mypy && wait
	@$(BIN)/pytest -n 3 -m "not slow and not postgres and not vm"

bench: $(VENV)/.ready-dev
	@$(BIN)/python -m bench

# Debian packages of the node and of the authority, with all their libraries, in dist.
deb: | $(BIN)/python
	@$(BIN)/python deb/build.py $(if $(ARCH),--arch $(ARCH))

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "error: $(PYTHON) was not found" >&2; \
	  echo "hint: sudo apt install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "error: Python 3.11 or newer is needed, $(PYTHON) is $$($(PYTHON) -V)" >&2; \
	  echo "hint: name a newer one, e.g. make PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "error: Python's venv module is missing" >&2; \
	  echo "hint: sudo apt install python3-venv" >&2; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)

# The stamp of the larger set also serves the smaller: dev holds all that the demo needs.
$(VENV)/.ready-demo: pyproject.toml constraints.txt | $(BIN)/python
	@test -f $(VENV)/.ready-dev || $(MAKE) --no-print-directory install EXTRA=authority,kiosk
	@touch $@

$(VENV)/.ready-dev: pyproject.toml constraints.txt | $(BIN)/python
	@$(MAKE) --no-print-directory install EXTRA=dev
	@touch $@

.PHONY: install
install:
	@echo "installing into $(VENV) …" >&2
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt \
	  --editable '.[$(EXTRA)]' || { \
	  echo "error: the packages could not be installed (see above)" >&2; \
	  echo "hint: this needs a network the first time; run make again" >&2; exit 1; }
