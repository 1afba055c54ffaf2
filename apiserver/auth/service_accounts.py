"""The names that a ServiceAccount has as a user."""

from __future__ import annotations

_PREFIX = "system:serviceaccount:"
ALL_ACCOUNTS = "system:serviceaccounts"


def username(namespace: str, name: str) -> str:
    return f"{_PREFIX}{namespace}:{name}"


def split_username(name: str) -> tuple[str, str] | None:
    """(namespace, name) of a service account's user name, or None if it is none."""
    if not name.startswith(_PREFIX):
        return None
    parts = name[len(_PREFIX) :].split(":")
    return (parts[0], parts[1]) if len(parts) == 2 and all(parts) else None


def service_account_groups(namespace: str) -> tuple[str, str]:
    return (ALL_ACCOUNTS, f"{ALL_ACCOUNTS}:{namespace}")
