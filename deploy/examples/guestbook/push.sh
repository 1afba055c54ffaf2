#!/bin/sh
# Builds the guestbook's images, two versions of its web part, and pushes them to a registry.
# Usage: deploy/examples/guestbook/push.sh localhost:5000
set -eu
registry=${1:?usage: push.sh REGISTRY}
cd "$(dirname "$0")"

log=$(mktemp)
trap 'rm -f "$log"' EXIT

build() { # name, version
    DOCKER_BUILDKIT=0 docker build --quiet --build-arg "VERSION=$2" --tag "$registry/guestbook-$1:$2" "$1" >/dev/null 2>"$log" ||
        { cat "$log" >&2; exit 1; }
    docker push --quiet "$registry/guestbook-$1:$2" >/dev/null
    echo "$registry/guestbook-$1:$2"
}

build db one
build web one
build web two
