"""The audit log's file: when it starts anew, and which old ones go."""

from __future__ import annotations

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


def test_a_large_log_starts_anew(tmp_path: Path) -> None:
    path, moments = tmp_path / "logs" / "audit.log", iter(NOON + timedelta(seconds=n) for n in range(9))
    log = LogFile(str(path), max_age=0, max_backups=2, max_size=1, now=lambda: next(moments))
    for number in range(9):
        log.process({"number": number, "text": "x" * 400_000})
    log.close()
    assert orjson.loads(path.read_text().splitlines()[-1])["number"] == 8
    assert [each.name for each in log.backups()] == [
        "audit-2026-11-29T12-00-02.000.log", "audit-2026-11-29T12-00-03.000.log",
    ]  # fmt: skip
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_place_that_cannot_be_written_to_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="failed to open the audit log"):
        LogFile(str(tmp_path), max_age=0, max_backups=0, max_size=0, now=lambda: NOON)
