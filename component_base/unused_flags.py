"""Flags that upstream gives several daemons and that change nothing in ours, which lack what they tune."""

from __future__ import annotations

from component_base.flags import unused

EVERY = unused(
    bools="log-json-split-stream log-text-split-stream",
    durations="log-flush-frequency",
    texts="log-json-info-buffer-size log-text-info-buffer-size emulated-version",
)
"""Of logs and versions."""

SERVING = unused(
    bools="contention-profiling disable-http2-serving permit-address-sharing",
    numbers="http2-max-streams-per-connection",
)
"""Of what serves HTTPS."""

PROFILING = unused(bools="profiling")
"""Of what has neither profiles nor debugging flags to show."""

DELEGATING = unused(
    bools=(
        "authentication-skip-lookup authentication-tolerate-lookup-failure "
        "unsupported-kube-api-over-localhost"
    ),
    texts=(
        "requestheader-allowed-names requestheader-client-ca-file requestheader-extra-headers-prefix "
        "requestheader-group-headers requestheader-uid-headers requestheader-username-headers "
        "kube-api-content-type"
    ),
)
"""Of what asks the apiserver who may see its metrics."""
