# Two commands do everything on a fresh machine: `make run` reads the sample clip, `make test` runs all tests.
# Each makes .venv on its first call and is quiet about what went well. Any line here can be typed by hand.

PYTHON ?= python3
TORCH ?= torch==2.13.0+cpu
BIN := .venv/bin
DATA ?= ../shared/data/val
IGNORE ?= $(if $(filter ../shared/data/val,$(DATA)),--ignore models/plate-detector/unlabelled-val.jsonl)

.PHONY: run test check lint fix golden wheel eval

run: .venv/run.stamp
	@$(BIN)/flowalpr run flows/parking.yaml

test: .venv/test.stamp
	@$(BIN)/pytest $(ARGS)

check: lint
	@$(BIN)/pytest -m "not slow" $(ARGS)

lint: .venv/test.stamp
	@$(BIN)/ruff format --check -q . && $(BIN)/ruff check -q .
	@$(BIN)/mypy --no-error-summary

fix: .venv/test.stamp
	@$(BIN)/ruff check -q --fix . ; $(BIN)/ruff format -q .

golden: .venv/test.stamp
	@$(BIN)/pytest --golden $(ARGS)

# Figures of the models that ship; the report shows plates of real people, so it stays in build/.
eval: .venv/test.stamp
	@$(BIN)/flowalpr eval detector $(DATA) $(IGNORE) --report build/eval/detector
	@$(BIN)/flowalpr eval reader $(DATA) --report build/eval/reader
	@$(BIN)/flowalpr eval end-to-end $(DATA) $(IGNORE) --report build/eval/end-to-end

wheel: .venv/test.stamp
	@rm -rf dist && $(BIN)/python -m build -q --wheel --no-isolation . > .venv/build.txt
	@$(PYTHON) -m venv --clear .venv/trial && .venv/trial/bin/pip install -qq "$$(ls dist/*.whl)[cpu]"
	@cd .venv/trial && bin/flowalpr run parking && echo "it works: $$(ls $(CURDIR)/dist/*.whl)"

.venv/run.stamp: pyproject.toml | .venv/bin/pip
	@echo "installing flowalpr into .venv (once, a minute or two)"
	@$(BIN)/pip install -qq -e '.[cpu]'
	@touch $@

# The tests of training need torch. Its CPU build is installed where the package index has it; the build that is on
# every index brings gigabytes of CUDA, so that one is left to whoever wants it: see CONTRIBUTING.md.
.venv/test.stamp: .venv/run.stamp
	@$(BIN)/pip install -qq -e '.[cpu,dev]'
	@$(BIN)/pip install -qq '$(TORCH)' -e '.[train]' 2> .venv/torch.txt || echo "no $(TORCH) here: tests of training stay out"
	@touch $@

.venv/bin/pip:
	@$(PYTHON) -c "import sys; sys.exit(0 if sys.version_info >= (3, 10) else 'flowalpr needs Python 3.10 or newer, and $(PYTHON) is %d.%d\n  to fix    make $(MAKECMDGOALS) PYTHON=python3.12   (or wherever a newer one is)' % sys.version_info[:2])"
	@$(PYTHON) -c "import ensurepip" 2> /dev/null || { echo "$(PYTHON) cannot make virtual environments"; echo "  to fix    sudo apt install python3-venv"; exit 1; } >&2
	@$(PYTHON) -m venv .venv
