# Two commands for users: `make up` and `make down`. The rest is for those who change the code.
VENV ?= .venv
BIN := $(VENV)/bin
SIDE_BY_SIDE := -n $(shell expr $$(nproc) + 1) --dist loadfile --no-loadscope-reorder
# Tests are rewritten once, not at each run, whatever the environment says.
export PYTHONDONTWRITEBYTECODE :=
SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)

.PHONY: up down venv dev fmt lint typecheck contracts unit integration e2e e2e-host e2e-machines checks meanwhile verify test bench docs clean

# make up NODES=3 makes this machine three nodes.
up: venv
	$(SUDO) $(BIN)/sampan up $(if $(NODES),--nodes=$(NODES)) $(UP_FLAGS)

# make down KEEP=1 keeps etcd's data, the keys and the kubeconfigs.
down:
	@[ -x $(BIN)/sampan ] || { echo "nothing to do: $(BIN)/sampan is not there"; exit 0; } && $(SUDO) $(BIN)/sampan down $(if $(KEEP),--keep)

venv:
	@deploy/setup.sh $(VENV)

dev:
	@deploy/setup.sh $(VENV) dev

fmt: dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

typecheck: dev
	$(BIN)/mypy

contracts: dev
	$(BIN)/lint-imports

unit: dev
	$(BIN)/pytest -q -n auto --dist worksteal tests/unit

# A module, with the cluster that it has started, stays with one worker. Half of the time it waits, so that there is
# work for a worker more than there are cores; with many more, a slow machine would come near every limit of time.
integration: dev
	$(SUDO) $(BIN)/pytest -q -rs $(SIDE_BY_SIDE) tests/contract tests/integration

# Side by side: one by one what takes this machine, and what makes machines of its own and mostly waits for them.
e2e: dev
	$(MAKE) --jobs=2 --output-sync=target e2e-host e2e-machines

e2e-host: dev
	$(SUDO) $(BIN)/pytest -q -rs -m "not machines" tests/e2e

e2e-machines: dev
	$(SUDO) $(BIN)/pytest -q -rs -m machines tests/e2e

# What needs nothing but Python: first what is quick, then two things side by side.
checks: lint contracts
	$(MAKE) --jobs=2 --output-sync=target typecheck unit

# What must be green before each commit. Integration tests wait half of their time: what only needs processors is done
# meanwhile, and yields to them.
verify: lint contracts
	$(MAKE) --jobs=2 --output-sync=target integration meanwhile

meanwhile: dev
	nice -n 15 $(MAKE) --jobs=2 typecheck unit

# Everything, from whatever the machine has: installs what the tests need, runs all, cleans up.
test: dev
	VENV=$(VENV) deploy/test.sh

bench: dev
	$(SUDO) $(BIN)/python -m bench $(BENCH_FLAGS)

# The pages of docs/reference, which are made from the code.
docs: dev
	$(BIN)/python -m docs.generate

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
