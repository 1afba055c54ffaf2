"""A node whose kernel is not as Kubernetes wants it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from kubelet.kernel_settings import KernelSettingsError, check_kernel

GOOD = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
PANIC = "invalid kernel flag: kernel/panic, expected value: 10, actual value: 0"
MEMORY = "invalid kernel flag: vm/overcommit_memory, expected value: 1, actual value: 2"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        pytest.param({}, None, id="as wanted"),
        pytest.param({"kernel/panic": "0"}, PANIC, id="one"),
        pytest.param({"kernel/panic": "0", "vm/overcommit_memory": "2"}, f"[{MEMORY}, {PANIC}]", id="two"),
    ],
)
def test_all_that_differs_is_told(tmp_path: Path, changes: Mapping[str, str], complaint: str | None) -> None:
    for name, value in {**GOOD, **changes}.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{value}\n")
    if complaint is None:
        check_kernel(tmp_path)
        return
    with pytest.raises(KernelSettingsError) as told:
        check_kernel(tmp_path)
    assert str(told.value) == f"failed to start ContainerManager: {complaint}"


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(KernelSettingsError, match=r"No such file or directory: '.*/vm/overcommit_memory'"):
        check_kernel(tmp_path)
