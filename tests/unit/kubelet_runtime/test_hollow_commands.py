"""The few words of shell that hollow containers understand."""

from __future__ import annotations

import pytest

from kubelet.runtime.hollow.commands import Cat, Exit, Print, Sleep, parse_command


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["sleep", "1.5"], (Sleep(1.5), Exit(0))),
        (["/bin/echo", "a", "b"], (Print(1, b"a b\n"), Exit(0))),
        (["cat"], (Cat(), Exit(0))),
        (["/bin/false"], (Exit(1), Exit(1))),
        (["sh", "-c", "echo 'a; b' && exit 3"], (Print(1, b"a; b\n"), Exit(3))),
        (["sh", "-c", "echo x >&2; sleep 2"], (Print(2, b"x\n"), Sleep(2.0), Exit(0))),
        (["sh", "-c", "exit 4; echo never"], (Exit(4),)),
        (["sh", "-c", "true; echo x; false"], (Print(1, b"x\n"), Exit(1))),
        (["nginx", "-g", "daemon off;"], None),
        (["sh", "-c", "while true; do sleep 1; done"], None),
        (["sh", "-c", "echo $HOME"], None),
        (["sh", "-c", "echo 'unclosed"], None),
        ([], None),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_command_is_understood_or_left_alone(words, expected):
    assert parse_command(words) == expected
