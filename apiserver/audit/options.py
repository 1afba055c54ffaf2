"""The apiserver's flags about auditing, and what upstream says of those that make no sense.

Source: pkg/server/options/audit.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from component_base.flags import CommonOptions, duration, flag

MODES = BATCH, BLOCKING, BLOCKING_STRICT = ("batch", "blocking", "blocking-strict")
FORMATS = LEGACY, JSON = ("legacy", "json")
VERSION = "audit.k8s.io/v1"
_MODE = (
    "Strategy for sending audit events. Blocking indicates sending events should block server responses. "
    "Batch causes the backend to buffer and write events asynchronously. Known modes are "
    f"{','.join(MODES)}."
)
_BUFFER = "The size of the buffer to store events before batching and writing. Only used in batch mode."
_SIZE = "The maximum size of a batch. Only used in batch mode."
_WAIT = (
    "The amount of time to wait before force writing the batch that hadn't reached the max size. Only used "
    "in batch mode."
)
_THROTTLE = "Whether batching throttling is enabled. Only used in batch mode."
_QPS = "Maximum average number of batches per second. Only used in batch mode."
_BURST = (
    "Maximum number of requests sent at the same moment if ThrottleQPS was not utilized before. Only used in "
    "batch mode."
)
_TRUNCATE = "Whether event and batch truncating is enabled."
_MAX_BATCH = (
    "Maximum size of the batch sent to the underlying backend. Actual serialized size can be several "
    "hundreds of bytes greater. If a batch exceeds this limit, it is split into several batches of smaller "
    "size."
)
_MAX_EVENT = (
    "Maximum size of the audit event sent to the underlying backend. If the size of an event is greater than "
    "this number, first request and response are removed, and if this doesn't reduce the size enough, event "
    "is discarded."
)


@dataclass(frozen=True)
class AuditOptions(CommonOptions):
    audit_policy_file: str = flag("", "Path to the file that defines the audit policy configuration.")
    audit_log_path: str = flag(
        "",
        "If set, all requests coming to the apiserver will be logged to this file.  '-' means standard out.",
    )
    audit_log_maxage: int = flag(
        0,
        "The maximum number of days to retain old audit log files based on the timestamp encoded in their "
        "filename.",
    )
    audit_log_maxbackup: int = flag(
        0,
        "The maximum number of old audit log files to retain. Setting a value of 0 will mean there's no "
        "restriction on the number of files.",
    )
    audit_log_maxsize: int = flag(
        0, "The maximum size in megabytes of the audit log file before it gets rotated."
    )
    audit_log_compress: bool = flag(False, "If set, the rotated log files will be compressed using gzip.")
    audit_log_format: str = flag(
        JSON,
        'Format of saved audits. "legacy" indicates 1-line text format for each event. "json" indicates '
        f"structured json format. Known formats are {','.join(FORMATS)}.",
    )
    audit_log_version: str = flag(
        VERSION, "API group and version used for serializing audit events written to log."
    )
    audit_log_mode: str = flag(BLOCKING, _MODE)
    audit_log_batch_buffer_size: int = flag(10000, _BUFFER)
    audit_log_batch_max_size: int = flag(1, _SIZE)
    audit_log_batch_max_wait: float = duration(0, _WAIT)
    audit_log_batch_throttle_enable: bool = flag(False, _THROTTLE)
    audit_log_batch_throttle_qps: float = flag(0.0, _QPS)
    audit_log_batch_throttle_burst: int = flag(0, _BURST)
    audit_log_truncate_enabled: bool = flag(False, _TRUNCATE)
    audit_log_truncate_max_batch_size: int = flag(10 << 20, _MAX_BATCH)
    audit_log_truncate_max_event_size: int = flag(100 << 10, _MAX_EVENT)

    audit_webhook_config_file: str = flag(
        "", "Path to a kubeconfig formatted file that defines the audit webhook configuration."
    )
    audit_webhook_initial_backoff: float = duration(
        10, "The amount of time to wait before retrying the first failed request."
    )
    audit_webhook_version: str = flag(
        VERSION, "API group and version used for serializing audit events written to webhook."
    )
    audit_webhook_mode: str = flag(BATCH, _MODE)
    audit_webhook_batch_buffer_size: int = flag(10000, _BUFFER)
    audit_webhook_batch_max_size: int = flag(400, _SIZE)
    audit_webhook_batch_max_wait: float = duration(30, _WAIT)
    audit_webhook_batch_throttle_enable: bool = flag(True, _THROTTLE)
    audit_webhook_batch_throttle_qps: float = flag(10.0, _QPS)
    audit_webhook_batch_throttle_burst: int = flag(15, _BURST)
    audit_webhook_truncate_enabled: bool = flag(False, _TRUNCATE)
    audit_webhook_truncate_max_batch_size: int = flag(10 << 20, _MAX_BATCH)
    audit_webhook_truncate_max_event_size: int = flag(100 << 10, _MAX_EVENT)


def audit_problem(options: AuditOptions) -> str:
    """What is wrong with the flags together; nothing if they are right."""
    problems = []
    if options.audit_log_path:
        problems += [_problem_of_backend(options, "log"), _problem_of_log(options)]
    if options.audit_webhook_config_file:
        problems.append(_problem_of_backend(options, "webhook"))
    return next((each for each in problems if each), "")


def _problem_of_log(options: AuditOptions) -> str:
    if options.audit_log_format not in FORMATS:
        known = ",".join(FORMATS)
        return f'invalid audit log format {options.audit_log_format}, allowed formats are "{known}"'
    for name in ("maxage", "maxbackup", "maxsize"):
        value = getattr(options, f"audit_log_{name}")
        if value < 0:
            return f"--audit-log-{name} {value} can't be a negative number"
    return ""


def _problem_of_backend(options: AuditOptions, name: str) -> str:
    def of(what: str) -> Any:
        return getattr(options, f"audit_{name}_{what}")

    if of("mode") not in MODES:
        return f'invalid audit {name} mode {of("mode")}, allowed modes are "{",".join(MODES)}"'
    for what, kind, words in _must_be_positive(of("mode"), of("batch_throttle_enable")):
        if of(what) <= 0:
            return f"invalid audit {kind} {name} {words} {of(what):g}, must be a positive number"
    batch, event = of("truncate_max_batch_size"), of("truncate_max_event_size")
    if batch < event:
        text = f"must be greater than max event size ({event})"
        return f"invalid audit truncate {name} max batch size {batch}, {text}"
    if of("version") != VERSION:
        return f'invalid group version, allowed versions are ["{VERSION}"]'
    return ""


def _must_be_positive(mode: str, is_throttled: bool) -> Iterator[tuple[str, str, str]]:
    """(end of the flag's name, kind, words): what is not used is not looked at."""
    if mode == BATCH:
        yield "batch_buffer_size", "batch", "buffer size"
        yield "batch_max_size", "batch", "max batch size"
        if is_throttled:
            yield "batch_throttle_qps", "batch", "throttle QPS"
            yield "batch_throttle_burst", "batch", "throttle burst"
    yield "truncate_max_event_size", "truncate", "max event size"
