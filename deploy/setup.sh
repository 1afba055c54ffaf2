#!/bin/sh
# Makes the virtual environment of a checkout: the one thing that must be there before Python can do the rest.
# Usage: deploy/setup.sh VENV [EXTRA]     EXTRA is "dev" for the tools and clients that tests use.
set -eu
venv=$1
extra=${2:-}
cd "$(dirname "$0")/.."

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

quietly() {
    said=$("$@" 2>&1) || { echo "$said" >&2; exit 1; }
}

# Every Python on the PATH that will do, the newest first.
pythons() {
    for name in python3.13 python3.12 python3.11 python3; do
        echo "$PATH" | tr ':' '\n' | while read -r folder; do
            if "$folder/$name" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
                echo "$folder/$name"
            fi
        done
    done
}

# One that does not keep its core in a shared library is about a tenth quicker.
find_python() {
    for each in $(pythons); do
        if "$each" -c 'import sys; sys.exit("libpython" in open("/proc/self/maps").read())' 2>/dev/null; then
            echo "$each"
            return
        fi
    done
    pythons | head -n 1
}

ensure_python() {
    python=$(find_python)
    [ -z "$python" ] || return 0
    command -v apt-get >/dev/null || { echo "error: Python 3.11 or newer with venv is needed" >&2; exit 1; }
    if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
        echo "error: Python 3.11 or newer with venv is missing. Install it as root with:" >&2
        echo "  apt-get update && apt-get install --no-install-recommends python3 python3-venv" >&2
        exit 1
    fi
    echo "installing python3, python3-venv"
    quietly as_root apt-get update -qq
    quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        python3 python3-venv
    python=$(find_python)
    [ -n "$python" ] || { echo "error: Python 3.11 or newer is needed; this release's python3 is older" >&2; exit 1; }
}

# The stamp carries what was asked for, so that a changed pyproject.toml or extra installs again. Who has an
# extra has the rest.
stamp="$venv/.installed${extra:+-$extra}"
if [ ! -e "$stamp" ] || [ pyproject.toml -nt "$stamp" ]; then
    echo "installing the Python packages into $venv (a minute or so, once)"
    if [ ! -x "$venv/bin/python" ]; then
        ensure_python
        "$python" -m venv "$venv"
    fi
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --use-pep517 \
        -c deploy/constraints.txt -e ".${extra:+[$extra]}"
    "$venv/bin/python" -m compileall -q apimachinery apiserver client component_base controller_manager \
        kube_dns kube_proxy kubeadm kubectl kubelet pytest_sampan scheduler
    touch "$venv/.installed" "$stamp"
fi
