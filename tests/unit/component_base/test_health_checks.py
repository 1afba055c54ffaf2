"""The text of health endpoints."""

from __future__ import annotations

import pytest

from component_base.health_checks import Report, delayed, flag_check, ping, problem_of, report


async def broken() -> str:
    return "no connection"


REPORTS = {
    "all is well": ({"ping": ping}, False, (), Report(200, "ok")),
    "all is well, in words": ({"ping": ping}, True, (), Report(200, "[+]ping ok\nreadyz check passed\n")),
    "a reason is not told": (
        {"ping": ping, "etcd": broken},
        False,
        (),
        Report(500, "[+]ping ok\n[-]etcd failed: reason withheld\nreadyz check failed\n"),
    ),
    "what is excluded counts as well": (
        {"etcd": broken},
        True,
        ("etcd",),
        Report(200, "[+]etcd excluded: ok\nreadyz check passed\n"),
    ),
    "what is not there cannot be excluded": (
        {"ping": ping},
        True,
        ("x",),
        Report(
            200,
            '[+]ping ok\nwarn: some health checks cannot be excluded: no matches for "x"\n'
            "readyz check passed\n",
        ),
    ),
}


@pytest.mark.parametrize("row", REPORTS.values(), ids=REPORTS.keys())
async def test_a_report(row: tuple[dict[str, object], bool, tuple[str, ...], Report]) -> None:
    checks, verbose, exclude, expected = row
    assert await report("readyz", checks, verbose=verbose, exclude=frozenset(exclude)) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(("is_due", "problem"), [(False, ""), (True, "not finished")])
async def test_a_check_may_be_given_time(is_due: bool, problem: str) -> None:
    check = delayed(flag_check(lambda: False), lambda: is_due)
    assert await problem_of(check) == problem
