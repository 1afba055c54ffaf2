"""--token-auth-file: static tokens as CSV lines of token, user, uid and optionally "group,group"."""

from __future__ import annotations

import csv
from pathlib import Path

from apiserver.request import UserInfo


def load_token_file(path: Path) -> dict[str, UserInfo]:
    """Users by token."""
    with path.open(newline="") as file:
        rows = [row for row in csv.reader(file) if row]
    return {row[0].strip(): _user(row) for row in rows if len(row) >= 3 and row[0].strip()}


def _user(row: list[str]) -> UserInfo:
    groups = [group.strip() for group in row[3].split(",")] if len(row) > 3 else []
    return UserInfo(row[1].strip(), row[2].strip(), (*filter(None, groups), "system:authenticated"))
