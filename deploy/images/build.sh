#!/bin/sh
# Builds the images `sampan`, `sampan-etcd` and `sampan-node` out of this checkout.
# Usage: deploy/images/build.sh [TAG]          TAG is "dev" if not given.
# Where no registry has the base image, it is made here with debootstrap.
set -eu
tag=${1:-dev}
base=debian:bookworm-slim
cd "$(dirname "$0")/../.."

deploy/setup.sh .venv
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
.venv/bin/python -m pip wheel --quiet --disable-pip-version-check --no-cache-dir --use-pep517 \
    -c deploy/constraints.txt -w "$context/wheels" .
cp -r deploy/images/Dockerfile deploy/images/node "$context"

if ! docker image inspect "$base" >/dev/null 2>&1 && ! docker pull --quiet "$base" 2>/dev/null; then
    echo "no registry has $base: making it with debootstrap"
    command -v debootstrap >/dev/null || apt-get install -y -qq --no-install-recommends debootstrap >/dev/null
    debootstrap --variant=minbase bookworm "$context/base" >/dev/null
    tar -C "$context/base" -c . | docker import -c 'CMD ["bash"]' - "$base" >/dev/null
    rm -rf "$context/base"
fi

for target in sampan etcd node; do
    name=sampan$([ "$target" = sampan ] || echo "-$target")
    DOCKER_BUILDKIT=0 docker build --quiet --target "$target" --tag "$name:$tag" "$context" >/dev/null
    echo "$name:$tag"
done
