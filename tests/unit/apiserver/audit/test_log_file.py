"""The audit log's file: when it starts anew, and which old ones go."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from apiserver.audit.log_file import LogFile, obsolete
from apiserver.config_files import ConfigError

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


def backup(moment: datetime) -> Path:
    return Path(f"audit-{moment.strftime('%Y-%m-%dT%H-%M-%S')}.000.log")


DAYS = [backup(NOON - timedelta(days=days)) for days in (5, 3, 1)]


@pytest.mark.parametrize(
    ("backups", "age", "gone"), [(0, 0, 0), (2, 0, 1), (1, 0, 2), (0, 4, 1), (0, 2, 2), (2, 2, 2), (9, 9, 0)]
)
def test_old_files_go_by_number_and_age(backups: int, age: int, gone: int) -> None:
    assert obsolete(DAYS, backups, age, NOON) == DAYS[:gone]


@pytest.mark.parametrize("compress", [False, True])
async def test_a_large_log_starts_anew(tmp_path: Path, compress: bool) -> None:
    path, moments = tmp_path / "logs" / "audit.log", iter(NOON + timedelta(seconds=n) for n in range(9))
    log = LogFile(
        str(path), max_age=0, max_backups=2, max_size=1, now=lambda: next(moments), compress=compress
    )
    for number in range(9):
        await log.process([{"number": number, "text": "x" * 400_000}])
    await log.aclose()
    assert orjson.loads(path.read_text().splitlines()[-1])["number"] == 8
    assert [each.name for each in log.backups()] == [
        f"audit-2026-11-29T12-00-0{second}.000.log{'.gz' if compress else ''}" for second in (2, 3)
    ]
    opened = gzip.open if compress else open
    with opened(log.backups()[-1]) as lines:
        assert [orjson.loads(line)["number"] for line in lines] == [6, 7]
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_log_that_cannot_start_anew_goes_on_as_soon_as_it_can(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "audit.log"
    log = LogFile(str(path), max_age=0, max_backups=0, max_size=1, now=lambda: NOON)
    head = {"auditID": "1", "stage": "Panic", "requestURI": "/", "requestReceivedTimestamp": ""}
    event = {**head, "text": "x" * 600_000}
    assert await log.process([event])
    path.unlink()
    path.parent.rmdir()
    path.parent.write_text("in the way")
    assert [await log.process([event]) for _ in range(2)] == [False, False]
    path.parent.unlink()
    assert await log.process([event])
    await log.aclose()
    assert path.stat().st_size > 600_000


def test_a_place_that_cannot_be_written_to_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="failed to open the audit log"):
        LogFile(str(tmp_path), max_age=0, max_backups=0, max_size=0, now=lambda: NOON)
