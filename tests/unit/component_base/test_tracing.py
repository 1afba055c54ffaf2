"""The trace context: there and back through headers."""

import pytest

from component_base import tracing

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_span_survives_its_headers() -> None:
    trace = tracing.new_span(["5", "7"], actor="deployment")
    headers = tracing.to_headers(trace)
    assert tracing.from_headers(headers["traceparent"], headers["tracestate"]) == trace


def test_a_child_keeps_the_trace_and_has_a_span_of_its_own() -> None:
    parent = tracing.new_span()
    child = tracing.new_span(parent=parent)
    assert child.trace_id == parent.trace_id
    assert child.span_id != parent.span_id


def test_too_many_causes_keep_the_newest() -> None:
    causes = tracing.new_span(str(number) for number in range(100)).causes
    assert (len(causes), causes[-1]) == (tracing.MAX_CAUSES, "99")


@pytest.mark.parametrize(
    ("traceparent", "tracestate", "expected"),
    [
        pytest.param(TRACEPARENT, "", ("", ()), id="no state"),
        pytest.param(TRACEPARENT, "other=1, sampan=5.7", ("", ("5", "7")), id="others' state is left alone"),
        pytest.param(TRACEPARENT, "sampan=job:5", ("job", ("5",)), id="an actor and a cause"),
        pytest.param(TRACEPARENT, "sampan=job:", ("job", ()), id="an actor alone"),
        pytest.param("garbage", "", None, id="malformed"),
        pytest.param("00-" + "0" * 32 + "-b7ad6b7169203331-01", "", None, id="all zero"),
    ],
)
def test_headers_are_read(
    traceparent: str, tracestate: str, expected: tuple[str, tuple[str, ...]] | None
) -> None:
    trace = tracing.from_headers(traceparent, tracestate)
    assert ((trace.actor, trace.causes) if trace else None) == expected


def test_the_current_span_ends_with_its_block() -> None:
    with tracing.span(tracing.new_span()) as trace:
        assert tracing.current() is trace
    assert tracing.current() is None
