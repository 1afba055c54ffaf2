"""The functions that Kubernetes adds to the language's own, one module a library.

Source: staging/src/k8s.io/apiserver/pkg/cel/library of Kubernetes 1.34, and cel-go's ext.
"""

from __future__ import annotations

from apiserver.cel.libraries import (
    authorization,
    formats,
    lists,
    network,
    quantity,
    regex,
    semver,
    sets,
    strings,
    times,
    urls,
)
from apiserver.cel.libraries.function import Function

FUNCTIONS: tuple[Function, ...] = (
    *strings.FUNCTIONS,
    *lists.FUNCTIONS,
    *sets.FUNCTIONS,
    *regex.FUNCTIONS,
    *times.FUNCTIONS,
    *urls.FUNCTIONS,
    *quantity.FUNCTIONS,
    *network.FUNCTIONS,
    *semver.FUNCTIONS,
    *authorization.FUNCTIONS,
    *formats.FUNCTIONS,
)
