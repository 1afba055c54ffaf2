"""`--raw`: any path of the server, with a file as the request's body.

Source: k8s.io/kubectl/pkg/rawhttp/raw.go.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from kubectl import session
from kubectl.failures import CommandError


def send(
    method: str,
    path: str,
    filenames: Sequence[str],
    *,
    excluded: dict[str, object],
    may_be_empty: bool = False,
) -> None:
    """Prints the answer. `excluded` are the flags that do not go together with --raw, and their values.

    Raises CommandError, StatusError.
    """
    for flag, given in excluded.items():
        if given:
            raise CommandError(flag if " " in flag else f"--raw and {flag} are mutually exclusive")
    if len(filenames) > 1 or not (filenames or may_be_empty):
        raise CommandError("--raw can only use a single local file or stdin")
    if filenames and filenames[0].startswith(("http://", "https://")):
        raise CommandError("--raw cannot read from a url")
    if not path.startswith("/"):
        raise CommandError(f'--raw must be a valid URL path: parse "{path}": invalid URI for request')
    body = _read(filenames[0]) if filenames else b""
    headers = {"content-type": "application/json"}
    answer = session.run(lambda client, _: client.request(method, path, body=body, headers=headers))
    sys.stdout.buffer.write(answer)


def _read(filename: str) -> bytes:
    return sys.stdin.buffer.read() if filename == "-" else Path(filename).read_bytes()
