"""The last words of a container that ended: its message file, or the tail of its log if it says so."""

from __future__ import annotations

from kubelet.containers.config import MESSAGE_FILE_ANNOTATION, MESSAGE_POLICY_ANNOTATION
from kubelet.containers.files import FALLBACK_BYTES, FALLBACK_LINES, read_message
from kubelet.runtime.interface import ContainerRuntimeError, LogOptions, Runtime, RuntimeContainer


async def last_words(runtime: Runtime, container: RuntimeContainer) -> str:
    path = container.annotations.get(MESSAGE_FILE_ANNOTATION)
    message = read_message(path) if path else ""
    policy = container.annotations.get(MESSAGE_POLICY_ANNOTATION)
    if message or container.exit_code == 0 or policy != "FallbackToLogsOnError":
        return message
    return await _log_tail(runtime, container)


async def _log_tail(runtime: Runtime, container: RuntimeContainer) -> str:
    try:
        pieces = [piece async for piece in await runtime.logs(container.id, LogOptions(tail=FALLBACK_LINES))]
    except ContainerRuntimeError as error:
        return f"Error reading termination message from logs: {error}"
    return b"".join(pieces)[-FALLBACK_BYTES:].decode(errors="replace")
