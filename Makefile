# Two commands for users: `make up` and `make down`. The rest is for those who change the code.
VENV ?= .venv
BIN := $(VENV)/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)

.PHONY: up down venv dev fmt lint typecheck contracts unit integration e2e verify test bench docs clean

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

integration: dev
	$(SUDO) $(BIN)/pytest -q tests/integration

e2e: dev
	$(SUDO) $(BIN)/pytest -q tests/e2e

# What must be green before each commit.
verify: lint typecheck contracts unit integration

# Everything, from whatever the machine has: installs what the tests need, runs all, cleans up.
test: dev
	deploy/test.sh $(BIN)

bench: dev
	$(SUDO) $(BIN)/python -m bench $(BENCH_FLAGS)

# The pages of docs/reference, which are made from the code.
docs: dev
	$(BIN)/python -m docs.generate

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache
