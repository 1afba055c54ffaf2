"""The last word on the error stream: how it ended. Pure.

Source: apimachinery/pkg/util/remotecommand and kubelet/pkg/cri/streaming/remotecommand of Kubernetes 1.34.
"""

from __future__ import annotations

from typing import Any

import orjson

Status = dict[str, Any]

SUCCESS: Status = {"metadata": {}, "status": "Success"}


def exit_status(code: int) -> Status:
    if code == 0:
        return SUCCESS
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def internal_error(message: str) -> Status:
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"Internal error occurred: {message}",
        "reason": "InternalError",
        "details": {"causes": [{"message": message}]},
        "code": 500,
    }


def encode(status: Status, *, as_status: bool) -> bytes:
    """As JSON, or for old protocols in words, which are none for a success."""
    return orjson.dumps(status) if as_status else str(status.get("message", "")).encode()
