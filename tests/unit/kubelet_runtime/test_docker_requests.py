"""What Docker is asked for, and what its answers are taken to say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubelet.runtime.docker import labels
from kubelet.runtime.docker.labels import container_labels, container_memory, identity_of
from kubelet.runtime.docker.privileges import Privileges, parse_capabilities
from kubelet.runtime.docker.requests import LogLimits, container_body, resolv_conf, sandbox_body, update_body
from kubelet.runtime.docker.seen import container_of, parse_time, pods_of, sandbox_of
from kubelet.runtime.interface import (
    ContainerState,
    ImageRef,
    Mount,
    Resources,
    RuntimeContainer,
    SandboxConfig,
    Security,
)
from tests.unit.kubelet_runtime.configurations import LABELS, MEMORY, POD, WEB

ALL = Privileges()
LESS = Privileges(ALL.capabilities - {"SYS_RESOURCE"})


def sandbox(config: SandboxConfig = POD) -> dict[str, Any]:
    """As Docker shows it."""
    memory = replace(MEMORY, share_pid=config.share_process_namespace)
    marked = labels.sandbox_labels("node-a", config, memory)
    body = sandbox_body(config, "pause", marked, ALL)
    return {
        "Id": "s1",
        "Created": "2026-01-01T00:00:00.5Z",
        "State": {"Running": True, "Status": "running"},
        "Config": {"Labels": marked, "NetworkDisabled": body["NetworkDisabled"]},
        "HostnamePath": "/docker/s1/hostname",
        "ResolvConfPath": "" if body["NetworkDisabled"] else "/docker/s1/made-by-docker",
        "HostConfig": body["HostConfig"],
    }


def host_config(privileges: Privileges = ALL, pod: SandboxConfig = POD, **changes: Any) -> dict[str, Any]:
    config = replace(WEB, **changes)
    host: dict[str, Any] = container_body(config, "s1", {}, privileges, sandbox(pod), LogLimits())[
        "HostConfig"
    ]
    return host


def test_sandbox_begins_without_a_network():
    body = sandbox_body(POD, "pause:1", LABELS, LESS)
    host = body["HostConfig"]
    assert (body["Image"], body["Hostname"]) == ("pause:1", "host-a")
    assert (host["NetworkMode"], host["IpcMode"], host["PidMode"]) == ("none", "shareable", "")
    assert host["OomScoreAdj"] == 0
    assert body["NetworkDisabled"]


def test_containers_share_the_resolver_file_that_lies_in_the_sandboxs_folder():
    assert host_config()["Mounts"] == [
        {
            "Type": "bind",
            "Source": "/docker/s1/resolv.conf",
            "Target": "/etc/resolv.conf",
            "ReadOnly": False,
            "BindOptions": {"Propagation": ""},
        }
    ]
    on_the_host = host_config(pod=replace(POD, host_network=True))
    assert on_the_host["Mounts"][0]["Source"] == "/docker/s1/made-by-docker"


def test_a_container_may_have_a_resolver_file_of_its_own():
    own = Mount("/volumes/settings/resolv.conf", "/etc/resolv.conf")
    assert [each["Source"] for each in host_config(mounts=(own,))["Mounts"]] == [own.host_path]


def test_sandbox_on_the_host_takes_its_namespaces():
    config = replace(POD, host_network=True, host_pid=True, host_ipc=True, hostname="")
    host = sandbox_body(config, "pause:1", LABELS, ALL)["HostConfig"]
    assert (host["NetworkMode"], host["IpcMode"], host["PidMode"]) == ("host", "host", "host")


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        pytest.param(POD, ("container:s1", "container:s1", "", ""), id="joins network and ipc"),
        pytest.param(
            replace(POD, share_process_namespace=True),
            ("container:s1", "container:s1", "container:s1", ""),
            id="joins the processes too",
        ),
        pytest.param(
            replace(POD, host_network=True, host_pid=True, host_ipc=True),
            ("host", "host", "host", "host"),
            id="on the host",
        ),
    ],
)
def test_container_joins_the_sandbox(pod, expected):
    host = host_config(pod=pod)
    assert tuple(host[key] for key in ("NetworkMode", "IpcMode", "PidMode", "UTSMode")) == expected


def test_command_environment_and_the_rest_are_passed_on():
    config = replace(WEB, stop_signal="SIGINT", tty=True)
    body = container_body(config, "s1", {}, ALL, sandbox(), LogLimits(1000, 2))
    assert body["HostConfig"]["LogConfig"]["Config"] == {"max-size": "1000", "max-file": "2"}
    assert {key: body[key] for key in ("Entrypoint", "Cmd", "Env", "WorkingDir", "StopSignal", "Tty")} == {
        "Entrypoint": ["a"],
        "Cmd": ["b"],
        "Env": ["K=v=w"],
        "WorkingDir": "/w",
        "StopSignal": "SIGINT",
        "Tty": True,
    }


@pytest.mark.parametrize(
    ("resources", "privileges", "expected"),
    [
        pytest.param(Resources(), ALL, {"CpuShares": 2, "OomScoreAdj": 0}, id="nothing wanted"),
        pytest.param(
            Resources(512, 50_000, 64 << 20, 100, 999), ALL,
            {"CpuShares": 512, "CpuPeriod": 100_000, "CpuQuota": 50_000, "Memory": 64 << 20,
             "MemorySwap": 64 << 20, "PidsLimit": 100, "OomScoreAdj": 999},
            id="everything wanted, no swap",
        ),
        pytest.param(Resources(oom_score_adj=-997), ALL, {"OomScoreAdj": -997}, id="protected"),
        pytest.param(Resources(oom_score_adj=-997), LESS, {"OomScoreAdj": 0}, id="as far as we can"),
    ],
)  # fmt: skip
def test_resources_become_limits(resources, privileges, expected):
    host = host_config(privileges, resources=resources)
    assert {key: host.get(key) for key in expected} == expected
    assert ("Memory" in host) == ("Memory" in expected)


@pytest.mark.parametrize(
    ("security", "privileges", "expected"),
    [
        pytest.param(Security(), ALL, {"SecurityOpt": [], "ReadonlyRootfs": False}, id="defaults"),
        pytest.param(Security(privileged=True), ALL, {"Privileged": True}, id="privileged"),
        pytest.param(
            Security(privileged=True), LESS,
            {"Privileged": None, "CapAdd": ["ALL"], "CapDrop": ["SYS_RESOURCE"], "MaskedPaths": [],
             "SecurityOpt": ["seccomp=unconfined", "apparmor=unconfined"]},
            id="privileged where the machine is not",
        ),
        pytest.param(
            Security(add_capabilities=("NET_ADMIN",), drop_capabilities=("ALL",), no_new_privileges=True,
                     seccomp="unconfined", read_only_root=True, supplemental_groups=(1, 2)), ALL,
            {"CapAdd": ["NET_ADMIN"], "CapDrop": ["ALL"], "ReadonlyRootfs": True, "GroupAdd": ["1", "2"],
             "SecurityOpt": ["no-new-privileges", "seccomp=unconfined"]},
            id="everything",
        ),
        pytest.param(
            Security(apparmor="mine", selinux={"user": "u", "level": "s0:c1"}), ALL,
            {"SecurityOpt": ["apparmor=mine", "label=user:u", "label=level:s0:c1"]}, id="labels",
        ),
        pytest.param(Security(unmasked_proc=True), ALL, {"MaskedPaths": [], "ReadonlyPaths": []}, id="/proc"),
    ],
)  # fmt: skip
def test_security_becomes_options(security, privileges, expected):
    host = host_config(privileges, security=security)
    assert {key: host.get(key) for key in expected} == expected


def test_a_running_container_gets_the_limits_that_it_has():
    limited = {"CpuShares": 512, "CpuPeriod": 100_000, "CpuQuota": 50_000, "Memory": 64, "MemorySwap": 64}
    assert update_body(Resources(512, 50_000, 64)) == limited
    assert update_body(Resources(2)) == {"CpuShares": 2, "CpuPeriod": 100_000, "CpuQuota": -1}


@pytest.mark.parametrize(
    ("propagation", "expected"),
    [("None", ""), ("HostToContainer", "rslave"), ("Bidirectional", "rshared")],
)
def test_mount_is_bound_with_its_propagation(propagation, expected):
    host = host_config(mounts=(Mount("/a:b", "/c", True, propagation),))
    assert host["Mounts"][1:] == [
        {"Type": "bind", "Source": "/a:b", "Target": "/c", "ReadOnly": True,
         "BindOptions": {"Propagation": expected}}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (POD, ""),
        (
            replace(
                POD, dns_servers=("1.1.1.1", "2.2.2.2"), dns_searches=("a", "b"), dns_options=("ndots:5",)
            ),
            "search a b\nnameserver 1.1.1.1\nnameserver 2.2.2.2\noptions ndots:5\n",
        ),
        (replace(POD, dns_servers=("1.1.1.1",)), "nameserver 1.1.1.1\n"),
    ],
    ids=["the node's", "everything", "servers only"],
)
def test_resolv_conf(config, expected):
    assert resolv_conf(config) == expected


def test_labels_remember_everything():
    marked = container_labels("node-a", LABELS, "s1", WEB)
    identity = identity_of(marked)
    assert identity == labels.Identity("container", "uid-1", "ns", "pod", "web", 3)
    memory = container_memory(marked)
    assert (memory.labels, memory.annotations) == ({"l": "1"}, {"a/b": "2"})
    assert labels.sandbox_memory(LABELS) == MEMORY


def test_callers_labels_cannot_make_it_another_pods():
    config = replace(WEB, labels={labels.POD_UID: "other", labels.NODE: "other", labels.MEMORY: "{}"})
    marked = container_labels("node-a", LABELS, "s1", config)
    assert (marked[labels.POD_UID], marked[labels.NODE]) == ("uid-1", "node-a")
    assert container_memory(marked).annotations == WEB.annotations


def test_foreign_container_has_no_identity():
    assert identity_of({"some": "label"}) is None


BUSYBOX = ImageRef("sha256:1", ("busybox@sha256:2",), ("busybox:1.36", "busybox:local"), 5)


def inspected(**state: Any) -> dict[str, Any]:
    told = {
        "Status": "exited",
        "ExitCode": 0,
        "Error": "",
        "OOMKilled": False,
        "FinishedAt": "0001-01-01T00:00:00Z",
    }
    return {
        "Id": "c1",
        "Created": "2026-01-01T00:00:00Z",
        "Image": "sha256:1",
        "State": {**told, "StartedAt": "0001-01-01T00:00:00Z", **state},
        "Config": {"Labels": container_labels("node-a", LABELS, "s1", WEB), "Image": "busybox:local"},
        "HostConfig": {"CpuShares": 512, "CpuQuota": -1, "Memory": 1 << 20},
    }


EPOCH = 1767225600.0
ONE, TWO = "2026-01-01T00:00:01Z", "2026-01-01T00:00:02.25Z"


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        pytest.param({"Status": "created"}, {"state": ContainerState.CREATED}, id="created"),
        pytest.param(
            {"Status": "running", "StartedAt": ONE, "ExitCode": 0},
            {"state": ContainerState.RUNNING, "started_at": EPOCH + 1}, id="running",
        ),
        pytest.param(
            {"Status": "exited", "StartedAt": ONE, "FinishedAt": TWO, "ExitCode": 3},
            {"state": ContainerState.EXITED, "started_at": EPOCH + 1, "finished_at": EPOCH + 2.25,
             "exit_code": 3},
            id="ended",
        ),
        pytest.param(
            {"Status": "exited", "StartedAt": ONE, "FinishedAt": TWO, "ExitCode": 137, "OOMKilled": True},
            {"state": ContainerState.EXITED, "started_at": EPOCH + 1, "finished_at": EPOCH + 2.25,
             "exit_code": 137, "oom_killed": True}, id="killed for its memory",
        ),
        pytest.param(
            {"Status": "created", "ExitCode": 127, "Error": "no such file"},
            {"state": ContainerState.EXITED, "finished_at": EPOCH, "exit_code": 128, "error": "no such file"},
            id="never started",
        ),
    ],
)  # fmt: skip
def test_container_is_seen(state, expected):
    identity = identity_of(inspected()["Config"]["Labels"])
    assert identity is not None
    assert container_of(inspected(**state), identity, BUSYBOX) == RuntimeContainer(
        id="docker://c1", name="web", attempt=3, image="busybox:local", image_id="busybox@sha256:2",
        created_at=EPOCH, labels={"l": "1"}, annotations={"a/b": "2"},
        stop_signal="SIGTERM", resources=Resources(512, 0, 1 << 20), **expected,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("asked_for", "told"),
    [
        ("", "SIGTERM"),
        ("SIGUSR1", "SIGUSR1"),
        ("int", "SIGINT"),
        ("10", "SIGUSR1"),
        ("SIGRTMIN+3", "SIGRTMIN+3"),
    ],
)
def test_what_stops_a_container_is_told_by_its_name(asked_for, told):
    identity = identity_of(inspected()["Config"]["Labels"])
    assert identity is not None
    answer = inspected(Status="running")
    answer["Config"]["StopSignal"] = asked_for
    assert container_of(answer, identity, BUSYBOX).stop_signal == told


def test_sandbox_and_containers_are_gathered_into_pods():
    identity = identity_of(LABELS)
    assert identity is not None
    seen = sandbox_of(sandbox(), identity)
    assert (seen.id, seen.attempt, seen.ready, seen.ips) == ("s1", 2, True, ("10.244.0.5",))
    older = replace(seen, id="s0", created_at=1.0)
    pod = pods_of([(identity, older), (identity, seen)])["uid-1"]
    assert [each.id for each in pod.sandboxes] == ["s1", "s0"]
    assert (pod.namespace, pod.name) == ("ns", "pod")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0001-01-01T00:00:00Z", 0.0),
        (None, 0.0),
        ("2026-01-01T00:00:00.123456789Z", EPOCH + 0.123456),
        ("2026-01-01T02:00:00+02:00", EPOCH),
    ],
)
def test_times(text, expected):
    assert parse_time(text) == expected


def test_capabilities_are_read_from_the_kernels_bits():
    found = parse_capabilities("Name:\tx\nCapBnd:\t000001fffeffffff\n")
    assert Privileges(found).missing == ["SYS_RESOURCE"]
    assert Privileges(parse_capabilities("CapBnd:\t000001ffffffffff")).missing == []


def test_a_container_may_see_the_processes_of_another() -> None:
    assert host_config()["PidMode"] == ""
    assert host_config(share_processes_of="docker://web-1")["PidMode"] == "container:web-1"


def test_a_pods_handler_runs_its_sandbox_and_its_containers():
    body = sandbox_body(replace(POD, runtime_handler="runsc"), "pause:1", LABELS, ALL)
    assert body["HostConfig"]["Runtime"] == "runsc"
    inspected_sandbox = {**sandbox(), "HostConfig": body["HostConfig"]}
    container = container_body(WEB, "s1", {}, ALL, inspected_sandbox, LogLimits())
    assert container["HostConfig"]["Runtime"] == "runsc"
