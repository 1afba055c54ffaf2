"""Which sysctls a pod may set, and which handler runs it."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.errors import NotFoundError
from apimachinery.objects import Object
from apimachinery.scheme import RUNTIME_CLASSES
from kubelet.pods.admission import admit
from kubelet.pods.runtime_classes import RuntimeClasses
from kubelet.pods.status import Verdict
from kubelet.pods.sysctls import forbidden_sysctl
from kubelet.runtime.interface import SandboxError
from kubelet.volumes.empty_dir import huge_page_options
from tests.unit.kubelet.builders import make_pod


def setting(name: str, **spec: Any) -> Object:
    return make_pod(securityContext={"sysctls": [{"name": name, "value": "1"}]}, **spec)


@pytest.mark.parametrize(
    ("pod", "allowed", "complaint"),
    [
        (setting("net.ipv4.tcp_syncookies"), (), ""),
        (setting("net/ipv4/tcp_syncookies"), (), ""),
        (setting("kernel.msgmax"), (), 'forbidden sysctl: "kernel.msgmax" not allowlisted'),
        (setting("kernel.msgmax"), ("kernel.msg*",), ""),
        (setting("kernel.msgmax"), ("kernel.msgmax",), ""),
        (
            setting("kernel.msgmax", hostIPC=True),
            ("kernel.msg*",),
            'forbidden sysctl: "kernel.msgmax" not allowed with host ipc enabled',
        ),
        (
            setting("net.ipv4.tcp_syncookies", hostNetwork=True),
            (),
            'forbidden sysctl: "net.ipv4.tcp_syncookies" not allowed with host net enabled',
        ),
        (make_pod(), (), ""),
    ],
    ids=["safe", "with-slashes", "unsafe", "pattern", "name", "host-ipc", "host-net", "none"],
)
def test_sysctls(pod: Object, allowed: tuple[str, ...], complaint: str) -> None:
    assert forbidden_sysctl(pod, allowed) == complaint


def test_a_pod_with_a_forbidden_sysctl_is_refused() -> None:
    node: Object = {"metadata": {"name": "n1"}, "spec": {}, "status": {"allocatable": {}}}
    refused = admit(setting("kernel.msgmax"), node, [])
    assert refused == Verdict("SysctlForbidden", 'forbidden sysctl: "kernel.msgmax" not allowlisted')


class Api:
    async def get(self, resource: Any, name: str) -> Object:
        if name != "gvisor":
            raise NotFoundError(RUNTIME_CLASSES, name)
        return {"handler": "runsc"}


async def test_a_pod_runs_by_the_handler_of_its_class() -> None:
    classes = RuntimeClasses(Api())  # type: ignore[arg-type]
    assert await classes.handler_of(make_pod()) == ""
    assert await classes.handler_of(make_pod(runtimeClassName="gvisor")) == "runsc"
    with pytest.raises(SandboxError, match='"kata" not found'):
        await classes.handler_of(make_pod(runtimeClassName="kata"))


def test_huge_pages_are_of_the_size_that_the_medium_names() -> None:
    assert huge_page_options("HugePages") == []
    assert huge_page_options("HugePages-2Mi") == ["pagesize=2M"]
    assert huge_page_options("HugePages-1Gi") == ["pagesize=1024M"]
