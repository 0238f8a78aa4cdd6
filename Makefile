# make reports: all studies of all units; make test: everything that must hold. Both set up .venv first.

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
# the lock is for Python 3.11 on Linux x86-64; elsewhere the bounds of pyproject.toml are installed
LOCKED := $(shell $(PYTHON) -c 'import platform as p, sys; print(int(sys.version_info[:2] == (3, 11) and (p.system(), p.machine()) == ("Linux", "x86_64")))' 2>/dev/null)

.PHONY: help reports test test-all lab lock schema notebooks bench clean

help:
	@echo "make reports     run all studies of all business units; open outputs/index.html"
	@echo "make test        lint, types, imports and tests"
	@echo "make test-all    the same with the slow recovery studies"
	@echo "make lab         open JupyterLab in notebooks/"
	@echo "make notebooks   run the notebooks on the demo unit and keep their outputs"
	@echo "make lock        renew the locks after a change of pyproject.toml"
	@echo "make bench       measure what must be fast"

$(VENV)/pyvenv.cfg:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; set PYTHON=…" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)

# $(1): lock file, $(2): extras for an install from the bounds
define install
	if [ "$(LOCKED)" = 1 ]; then \
	  $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r $(1) && \
	  $(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . ; \
	else \
	  $(BIN)/pip install --quiet --disable-pip-version-check -e '.[$(2)]' ; \
	fi
	@touch $@
endef

$(VENV)/runtime.stamp: $(VENV)/pyvenv.cfg requirements.lock pyproject.toml
	@echo "Setting up $(VENV) (about a minute, once) …"
	@$(call install,requirements.lock,build)

$(VENV)/dev.stamp: $(VENV)/runtime.stamp requirements-dev.lock
	@echo "Adding what the tests need …"
	@$(call install,requirements-dev.lock,build$(comma)dev)

comma := ,

# threads of linear algebra only wait for one another on matrices as small as these
export OMP_NUM_THREADS ?= 1
export OPENBLAS_NUM_THREADS ?= 1

reports: $(VENV)/runtime.stamp
	$(BIN)/kam run

test: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest
	$(BIN)/pytest -p kamlib._fastimports --nbval-lax --nbval-current-env --nbval-sanitize-with tests/nbval.cfg notebooks

test-all: test
	$(BIN)/pytest -m slow

lab: $(VENV)/runtime.stamp
	cd notebooks && ../$(BIN)/jupyter lab

notebooks: $(VENV)/runtime.stamp
	$(BIN)/jupyter nbconvert --to notebook --execute --inplace --ExecutePreprocessor.record_timing=False notebooks/*.ipynb

schema: $(VENV)/runtime.stamp
	$(BIN)/kam params --schema

bench: $(VENV)/runtime.stamp
	$(BIN)/python -m benchmarks.purchase_summary
	$(BIN)/python -m benchmarks.online_retail
	$(BIN)/python -m benchmarks.purchases

lock:
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install --quiet uv
	$(VENV)-lock/bin/uv pip compile pyproject.toml --extra build --python-version 3.11 --python-platform x86_64-manylinux_2_28 \
	  --generate-hashes --no-emit-index-url --custom-compile-command "make lock" --quiet -o requirements.lock
	$(VENV)-lock/bin/uv pip compile pyproject.toml --extra build --extra dev --python-version 3.11 --python-platform x86_64-manylinux_2_28 \
	  --generate-hashes --no-emit-index-url --custom-compile-command "make lock" --quiet -c requirements.lock -o requirements-dev.lock
	rm -rf $(VENV)-lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
