"""The sinks that flags ask for: a file, a webhook or both, each with its mode and its limits of size."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from typing import Any

from apiserver.audit.buffered import BatchConfig, Buffered
from apiserver.audit.log_file import LogFile, json_line, legacy_line
from apiserver.audit.options import BLOCKING, BLOCKING_STRICT, LEGACY, AuditOptions
from apiserver.audit.sink import IgnoreErrors, Sink, Union
from apiserver.audit.truncating import Truncating
from apiserver.audit.webhook import WebhookSink, always
from apiserver.generic_webhook import GenericWebhook, load_webhook_config


def build_sink(options: AuditOptions, now: Callable[[], datetime]) -> Sink | None:
    """None if nobody wants to know. Raises ConfigError."""
    sinks = []
    if options.audit_log_path:
        sinks.append(_governed(_log_file(options, now), options, "log", is_parallel=False))
    if options.audit_webhook_config_file:
        sinks.append(_governed(_webhook(options), options, "webhook", is_parallel=True))
    return Union(sinks) if len(sinks) > 1 else next(iter(sinks), None)


def _log_file(options: AuditOptions, now: Callable[[], datetime]) -> LogFile:
    return LogFile(
        options.audit_log_path,
        max_age=options.audit_log_maxage,
        max_backups=options.audit_log_maxbackup,
        max_size=options.audit_log_maxsize,
        now=now,
        compress=options.audit_log_compress,
        encode=legacy_line if options.audit_log_format == LEGACY else json_line,
    )


def _webhook(options: AuditOptions) -> WebhookSink:
    config = load_webhook_config(options.audit_webhook_config_file)
    backoff = options.audit_webhook_initial_backoff
    return WebhookSink(
        GenericWebhook(config, backoff=backoff, should_retry=always, randomness=random.Random())
    )


def _governed(sink: Sink, options: AuditOptions, name: str, *, is_parallel: bool) -> Sink:
    """As the flags --audit-NAME-… have it."""

    def of(what: str) -> Any:
        return getattr(options, f"audit_{name}_{what}")

    if of("mode") == BLOCKING:
        sink = IgnoreErrors(sink)
    elif of("mode") != BLOCKING_STRICT:
        throttle = of("batch_throttle_qps"), of("batch_throttle_burst")
        config = BatchConfig(
            buffer_size=of("batch_buffer_size"),
            max_size=of("batch_max_size"),
            max_wait=of("batch_max_wait"),
            throttle=throttle if of("batch_throttle_enable") else None,
            is_parallel=is_parallel,
        )
        sink = Buffered(sink, config)
    if of("truncate_enabled"):
        sink = Truncating(sink, of("truncate_max_event_size"), of("truncate_max_batch_size"))
    return sink
