"""Log lines: klog's header, JSON, fields of the work at hand."""

import logging
import re
import subprocess
import sys

import orjson
import pytest

from component_base.flag_values import parse_vmodule
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


BODY = """
import logging
from component_base import logs
from component_base.flag_values import parse_vmodule
logs.set_up({verbosity}, "text", parse_vmodule("{modules}"))
for path in ("/src/scheduler/queue.py", "/src/scheduler/cache.py"):
    for level in (logging.DEBUG, logging.INFO):
        made = logging.getLogger().makeRecord("x", level, path, 1, logging.getLevelName(level), (), None)
        if logging.getLogger().isEnabledFor(level):
            logging.getLogger().handle(made)
"""
INFO_ONLY = ["queue.py INFO", "cache.py INFO"]


@pytest.mark.parametrize(
    ("verbosity", "modules", "told"),
    [
        pytest.param(0, "", INFO_ONLY, id="none"),
        pytest.param(0, "queue=4", ["queue.py DEBUG", *INFO_ONLY], id="one file"),
        pytest.param(0, "que*=9,x=1", ["queue.py DEBUG", *INFO_ONLY], id="a pattern"),
        pytest.param(0, "queue=3", INFO_ONLY, id="less than it takes"),
        pytest.param(
            4, "queue=0", ["queue.py DEBUG", "queue.py INFO", "cache.py DEBUG", "cache.py INFO"], id="all"
        ),
    ],
)
def test_files_may_have_a_verbosity_of_their_own(verbosity: int, modules: str, told: list[str]) -> None:
    body = BODY.format(verbosity=verbosity, modules=modules)
    done = subprocess.run([sys.executable, "-c", body], capture_output=True, text=True, check=True)
    lines = [re.sub(r".* (\w+\.py):1\] ", r"\1 ", line) for line in done.stderr.splitlines()]
    assert lines == told


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("queue", '"queue" does not have the pattern=N format'),
        ("=4", '"=4" does not have the pattern=N format'),
        ("queue=x", 'parsing verbosity in "queue=x": strconv.ParseUint: parsing "x": invalid syntax'),
    ],
)
def test_what_is_no_verbosity_is_told(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        parse_vmodule(text)
