"""File paths in specs: relative, without steps back, not reserved; and file modes."""

from __future__ import annotations

from apimachinery.field import Errors, Path, invalid


def no_backsteps(target: str, path: Path) -> Errors:
    if ".." in target.split("/"):
        yield invalid(path, target, "must not contain '..'")


def local_path(target: str, path: Path) -> Errors:
    """A path below some directory."""
    if target.startswith("/"):
        yield invalid(path, target, "must be a relative path")
    yield from no_backsteps(target, path)


def unreserved_path(target: str, path: Path) -> Errors:
    """As local_path, and not among the `..data` names that atomic updates use."""
    yield from local_path(target, path)
    if target.startswith("..") and not target.startswith("../"):
        yield invalid(path, target, "must not start with '..'")


def file_mode(mode: int | None, path: Path) -> Errors:
    if mode is not None and not 0 <= mode <= 0o777:
        yield invalid(path, mode, "must be a number between 0 and 0777 (octal), both inclusive")
