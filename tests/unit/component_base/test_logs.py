"""Log lines: klog's header, JSON, fields of the work at hand."""

import logging
import re

import orjson
import pytest

from component_base.logs import JsonFormatter, KlogFormatter, log_fields


def record(level: int = logging.INFO, message: str = "Bound pod: pod=%s", *args: object) -> logging.LogRecord:
    return logging.LogRecord("name", level, "/src/scheduler/bind.py", 42, message, args or ("ns/a",), None)


@pytest.mark.parametrize(
    ("level", "letter"),
    [(logging.DEBUG, "I"), (logging.INFO, "I"), (logging.WARNING, "W"), (logging.ERROR, "E")],
)
def test_a_line_has_klogs_header(level: int, letter: str) -> None:
    line = KlogFormatter().format(record(level))
    assert re.fullmatch(
        rf"{letter}\d{{4}} \d\d:\d\d:\d\d\.\d{{6}} +\d+ bind\.py:42\] Bound pod: pod=ns/a", line
    )


def test_fields_are_added_inside_and_gone_outside() -> None:
    with log_fields(controller="rs"), log_fields(key="ns/a"):
        inside = KlogFormatter().format(record())
    assert inside.endswith('pod=ns/a controller="rs" key="ns/a"')
    assert KlogFormatter().format(record()).endswith("pod=ns/a")


def test_json_lines_have_upstreams_keys() -> None:
    with log_fields(key="ns/a"):
        line = orjson.loads(JsonFormatter().format(record(logging.ERROR)))
    assert {key: line[key] for key in ("caller", "msg", "key", "err")} == {
        "caller": "bind.py:42",
        "msg": "Bound pod: pod=ns/a",
        "key": "ns/a",
        "err": "Bound pod: pod=ns/a",
    }
