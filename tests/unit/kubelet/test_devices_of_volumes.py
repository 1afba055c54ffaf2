"""What a device of a local volume is told to hold: nothing is formatted on a guess."""

from __future__ import annotations

import pytest

from kubelet.volumes.devices import parse_blkid


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("DEVNAME=/dev/sdb\nTYPE=ext4\n", "ext4", id="a file system"),
        pytest.param("DEVNAME=/dev/sdb\nPTTYPE=gpt\n", "unknown data, probably partitions", id="partitions"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_what_blkid_has_found(text: str, found: str) -> None:
    assert parse_blkid(text) == found


def test_what_another_blkid_says_is_no_sign_of_an_empty_device() -> None:
    with pytest.raises(ValueError, match="blkid returns invalid output"):
        parse_blkid('/dev/sdb: UUID="5f1a" TYPE="ext4"\n')
