#!/bin/sh
# `make test`: installs what the tests need, runs every check and every test, cleans up after itself.
# Usage: deploy/test.sh BIN     BIN is the virtual environment's bin folder.
set -eu
bin=$1
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "error: the end-to-end tests need root: sudo make test" >&2; exit 1; }

"$bin/python" -c 'from kubeadm.host import ensure_programs; ensure_programs(print)'
"$bin/python" -c '
from pathlib import Path
from kubeadm import engine
Path("/var/lib/sampan/log").mkdir(parents=True, exist_ok=True)
Path("/var/lib/sampan/run").mkdir(parents=True, exist_ok=True)
print("docker started" if engine.ensure_engine(Path("/var/lib/sampan")) else "docker runs already")'

"$bin/ruff" format --check .
"$bin/ruff" check .
"$bin/mypy"
"$bin/lint-imports"
"$bin/pytest" -q tests
