"""The query of pods/log: parsed, checked, and written again for the kubelet. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apimachinery.errors import BadRequestError
from apimachinery.field import ErrorList, Path, forbidden, invalid, not_supported
from apimachinery.times import parse_time
from apiserver.request import is_set

_STREAMS = ("All", "Stderr", "Stdout")
_EXCLUSIVE = "`tailLines` and specific `stream` are mutually exclusive for now"


@dataclass(frozen=True, slots=True)
class LogOptions:
    """core/v1 PodLogOptions."""

    container: str = ""
    follow: bool = False
    previous: bool = False
    timestamps: bool = False
    since_seconds: int | None = None
    since_time: str = ""
    tail_lines: int | None = None
    limit_bytes: int | None = None
    stream: str = ""
    skip_tls_verify: bool = False
    """Does not concern the kubelet."""

    def query(self) -> list[tuple[str, str]]:
        """What the kubelet is asked."""
        pairs = (
            ("follow", "true" if self.follow else ""),
            ("previous", "true" if self.previous else ""),
            ("timestamps", "true" if self.timestamps else ""),
            ("sinceSeconds", _text(self.since_seconds)),
            ("sinceTime", self.since_time),
            ("tailLines", _text(self.tail_lines)),
            ("limitBytes", _text(self.limit_bytes)),
            ("stream", self.stream if self.stream != "All" else ""),
        )
        return [(key, value) for key, value in pairs if value]


def _text(number: int | None) -> str:
    return "" if number is None else str(number)


def parse_log_options(query: Mapping[str, Sequence[str]]) -> LogOptions:
    """Raises BadRequestError for what cannot be read; `validate` says what is wrong with the values."""

    def first(name: str) -> str:
        values = query.get(name)
        return values[0] if values else ""

    def number(name: str) -> int | None:
        text = first(name)
        if not text:
            return None
        try:
            return int(text)
        except ValueError:
            raise BadRequestError(f'strconv.ParseInt: parsing "{text}": invalid syntax') from None

    since_time = first("sinceTime")
    if since_time:
        try:
            parse_time(since_time)
        except ValueError as error:
            raise BadRequestError(str(error)) from None
    return LogOptions(
        container=first("container"),
        follow=is_set(query, "follow"),
        previous=is_set(query, "previous"),
        timestamps=is_set(query, "timestamps"),
        since_seconds=number("sinceSeconds"),
        since_time=since_time,
        tail_lines=number("tailLines"),
        limit_bytes=number("limitBytes"),
        stream=first("stream"),
        skip_tls_verify=is_set(query, "insecureSkipTLSVerifyBackend"),
    )


def validate_log_options(options: LogOptions) -> ErrorList:
    """Every error."""
    errors: ErrorList = []
    if options.tail_lines is not None and options.tail_lines < 0:
        errors.append(invalid(Path("tailLines"), options.tail_lines, "must be greater than or equal to 0"))
    if options.limit_bytes is not None and options.limit_bytes < 1:
        errors.append(invalid(Path("limitBytes"), options.limit_bytes, "must be greater than 0"))
    if options.since_seconds is not None and options.since_time:
        text = "at most one of `sinceTime` or `sinceSeconds` may be specified"
        errors.append(forbidden(Path(""), text))
    elif options.since_seconds is not None and options.since_seconds < 1:
        errors.append(invalid(Path("sinceSeconds"), options.since_seconds, "must be greater than 0"))
    return [*errors, *_check_stream(options)]


def _check_stream(options: LogOptions) -> ErrorList:
    if options.stream and options.stream not in _STREAMS:
        return [not_supported(Path("stream"), options.stream, _STREAMS)]
    if options.stream not in ("", "All") and options.tail_lines is not None:
        return [forbidden(Path(""), _EXCLUSIVE)]
    return []
