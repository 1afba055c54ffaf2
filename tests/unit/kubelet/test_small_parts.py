"""Back-off, status patches, references, configuration, the Node: small pure parts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from apimachinery.objects import Object
from apimachinery.quantity import Quantity
from client.reviews import User, user_of_certificate
from kubelet.configuration import ConfigError, gates_of, load_document, merge
from kubelet.configuration_flags import parse_taints
from kubelet.node.machine import Machine
from kubelet.node.status import (
    Health,
    NodeConfig,
    allocatable_of,
    capacity_of,
    changes,
    extended_resources,
    node_conditions,
    node_images,
    node_status,
)
from kubelet.options import Options
from kubelet.pods.backoff import Backoff
from kubelet.pods.record import grace_of, needs_sync
from kubelet.pods.status_patch import status_patch
from kubelet.referenced import ObjectName, references_of
from kubelet.references import container_reference, pod_full_name
from kubelet.runtime.interface import ImageRef, RuntimeVersion
from kubelet.server.containers import logged_container_id, running_container_id
from kubelet.server.identity import subresources_of
from kubelet.server.refused import Refused
from kubelet.stats.node import node_usage
from tests.unit.kubelet.builders import make_container, make_pod


def test_back_off_doubles_up_to_its_maximum() -> None:
    backoff, delays, ended = Backoff(), [], 0.0
    for _ in range(8):
        delays.append(backoff.remaining("k", ended, ended))
        backoff.restarted("k", ended, ended)
        ended += 1
    assert delays == [0, 10, 20, 40, 80, 160, 300, 300]


def test_back_off_is_forgotten_after_a_long_life() -> None:
    backoff = Backoff()
    backoff.restarted("k", 0, 300)  # it waited as long
    assert backoff.remaining("k", 900, 900) == 10
    assert backoff.remaining("k", 901, 901) == 0


@pytest.mark.parametrize(
    ("old", "new", "patch"),
    [
        pytest.param({"phase": "Running"}, {"phase": "Running"}, {}, id="nothing new"),
        pytest.param({"phase": "Pending"}, {"phase": "Running"}, {"phase": "Running"}, id="a changed field"),
        pytest.param({"reason": "x"}, {}, {"reason": None}, id="a field that has gone"),
        pytest.param({"nominatedNodeName": "n"}, {}, {}, id="a field of others"),
        pytest.param({"message": ""}, {"message": None}, {}, id="empty is absent"),
        pytest.param(
            {"containerStatuses": [{"name": "c", "state": {"running": {"startedAt": "t"}}}]},
            {
                "containerStatuses": [
                    {"name": "c", "state": {"running": {"startedAt": "t"}}, "lastState": {"a": {}}}
                ]
            },
            {},
            id="empty is absent, however deep",
        ),
        pytest.param(
            {"containerStatuses": [{"name": "c"}]},
            {"containerStatuses": [{"name": "c", "restartCount": 0}]},
            {"containerStatuses": [{"name": "c", "restartCount": 0}]},
            id="zero is not empty",
        ),
        pytest.param(
            {"podIPs": [{"ip": "1"}]},
            {"podIPs": [{"ip": "2"}]},
            {"podIPs": [{"$patch": "replace"}, {"ip": "2"}]},
            id="addresses are replaced",
        ),
        pytest.param(
            {"conditions": [{"type": "A", "status": "True", "reason": "r"}, {"type": "B", "status": "True"}]},
            {"conditions": [{"type": "A", "status": "False"}, {"type": "B", "status": "True"}]},
            {"conditions": [{"type": "A", "status": "False", "reason": None}]},
            id="only changed conditions",
        ),
    ],
)
def test_status_patch(old: Object, new: Object, patch: Object) -> None:
    assert status_patch(old, new) == patch


def test_own_status_coming_back_is_no_news() -> None:
    pod = make_pod()
    assert not needs_sync(pod, make_pod(status={"phase": "Running"}, meta={"resourceVersion": "9"}))
    assert needs_sync(pod, make_pod(meta={"deletionTimestamp": "now"}))
    assert needs_sync(pod, make_pod(status={"conditions": [{"type": "x/gate", "status": "True"}]}))


def test_grace_is_what_the_deletion_says_or_the_spec() -> None:
    spec: dict[str, Any] = {"terminationGracePeriodSeconds": 5}
    assert grace_of(make_pod(**spec)) == 5
    assert grace_of(make_pod(**spec, meta={"deletionGracePeriodSeconds": 0})) == 1
    assert grace_of(make_pod()) == 30


def test_references_of_a_pod() -> None:
    volumes = [
        {"name": "a", "secret": {"secretName": "s1"}},
        {"name": "b", "projected": {"sources": [{"configMap": {"name": "c1"}}, {"secret": {"name": "s2"}}]}},
        {"name": "c", "emptyDir": {}},
    ]
    env = [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "c2", "key": "k"}}}]
    pod = make_pod(
        make_container(env=env, envFrom=[{"secretRef": {"name": "s3"}}]),
        volumes=volumes,
        imagePullSecrets=[{"name": "s4"}],
    )
    names = {("configmap", "c1"), ("configmap", "c2")} | {("secret", f"s{n}") for n in range(1, 5)}
    assert references_of(pod) == {ObjectName(kind, "shop", name) for kind, name in names}


def test_events_point_at_the_container() -> None:
    pod = make_pod(init=(make_container("i"),))
    assert container_reference(pod, "web")["fieldPath"] == "spec.containers{web}"
    assert container_reference(pod, "i")["fieldPath"] == "spec.initContainers{i}"
    assert pod_full_name(pod) == "cart_shop(u1)"


def logged(state: Object, last: Object | None = None, *, previous: bool = False) -> str:
    status = {"name": "web", "containerID": "docker://1", "state": state, "lastState": last or {}}
    return logged_container_id(make_pod(status={"containerStatuses": [status]}), "web", previous=previous)


ENDED = {"terminated": {"containerID": "docker://0"}}


def test_whose_log_is_meant() -> None:
    assert logged({"running": {}}) == "docker://1"
    assert logged({"waiting": {}}, ENDED) == "docker://0"
    assert logged({"running": {}}, ENDED, previous=True) == "docker://0"


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("ImagePullBackOff", "trying and failing to pull image"),
        ("ErrImagePull", "image can't be pulled"),
        ("ContainerCreating", "ContainerCreating"),
    ],
)
def test_no_log_yet(reason: str, why: str) -> None:
    with pytest.raises(Refused, match=f'^container "web" in pod "cart" is waiting to start: {why}$'):
        logged({"waiting": {"reason": reason}})


def test_no_log_of_what_never_was() -> None:
    with pytest.raises(Refused, match='previous terminated container "web" in pod "cart" not found'):
        logged({"running": {}}, previous=True)
    with pytest.raises(Refused, match='container "none" not found in pod "cart"'):
        logged_container_id(make_pod(), "none", previous=False)


def test_nothing_runs_in_a_container_that_is_not_there() -> None:
    with pytest.raises(Refused, match=r'^container not found \("none"\)$'):
        running_container_id(make_pod(), "none")


def test_who_asks() -> None:
    subject = ((("organizationName", "system:masters"),), (("commonName", "api"),))
    assert user_of_certificate(subject) == User("api", ("system:masters", "system:authenticated"))
    assert user_of_certificate(None) is None


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/containerLogs/a/b/c", ("proxy",)),
        ("/metrics/resource", ("metrics",)),
        ("/stats/summary", ("stats",)),
        ("/pods/", ("pods", "proxy")),
        ("/logs/x", ("log",)),
    ],
)
def test_what_is_asked_for(path: str, expected: tuple[str, ...]) -> None:
    assert subresources_of(path) == expected


def test_flags_win_over_the_file_which_wins_over_defaults() -> None:
    document = load_document(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "port": 1,
            "maxPods": 7,
            "authentication": {"anonymous": {"enabled": True}},
        }
    )
    merged = merge(document, Options(port=2, client_ca_file="ca"))
    assert (merged["port"], merged["maxPods"], merged["clusterDomain"]) == (2, 7, "cluster.local")
    assert merged["authentication"]["x509"] == {"clientCAFile": "ca"}
    assert merged["authentication"]["anonymous"] == {"enabled": True}


def test_gates_of_flags_and_file_count_together() -> None:
    file = {"featureGates": {"ImageVolume": True, "EnvFiles": True}}
    gates = gates_of(merge(file, Options(feature_gates={"EnvFiles": "false"})))
    assert gates.given == {"ImageVolume": True, "EnvFiles": False}
    words = "failed to set feature gates from initial flags-based config: unrecognized feature gate: Nothing"
    with pytest.raises(ConfigError, match=words):
        gates_of(merge({"featureGates": {"Nothing": True}}, Options()))


def test_a_file_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match='no kind "Pod" is registered for version "v1"'):
        load_document({"apiVersion": "v1", "kind": "Pod"})


def test_taints_are_parsed() -> None:
    assert parse_taints("a=b:NoSchedule,c:NoExecute") == [
        {"key": "a", "effect": "NoSchedule", "value": "b"},
        {"key": "c", "effect": "NoExecute"},
    ]


MACHINE = Machine(cpus=2, memory=4 << 30, disk=100 << 30, inodes=1000)
CONFIG = NodeConfig("n1", ("192.0.2.1",), "n1", reserved={"cpu": Quantity.parse("500m")})


def test_capacity_and_what_is_left_of_it() -> None:
    assert capacity_of(MACHINE, CONFIG) == {
        "cpu": "2",
        "memory": "4Gi",
        "pods": "110",
        "ephemeral-storage": "100Gi",
    }
    left = allocatable_of(MACHINE, CONFIG)
    assert (left["cpu"], left["memory"], left["ephemeral-storage"]) == ("1500m", "3996Mi", "96636764160")
    huge = replace(MACHINE, hugepages=(("2Mi", 1 << 30),))
    assert allocatable_of(huge, CONFIG)["memory"] == "2972Mi"


def status_after(old: Object) -> Object:
    return node_status(
        MACHINE, CONFIG, extended_resources(old), [], (), RuntimeVersion("docker", "28", "1.48")
    )


def test_what_others_advertise_is_allocatable() -> None:
    own = status_after({})
    old = {**own, "capacity": {**own["capacity"], "example.com/gpu": "2"}}
    new = status_after(old)
    assert (new["capacity"], new["allocatable"]["example.com/gpu"]) == (old["capacity"], "2")
    assert changes(old, new) == {"allocatable": new["allocatable"], "conditions": []}
    assert changes(new, status_after(new)) == {"conditions": []}


def test_what_is_no_longer_advertised_is_no_longer_allocatable() -> None:
    own = status_after({})
    old = {**own, "allocatable": {**own["allocatable"], "example.com/gpu": "2"}}
    assert changes(old, status_after(old))["allocatable"] == {**own["allocatable"], "example.com/gpu": None}


def conditions(*pressures: str, health: Health | None = None) -> dict[str, str]:
    made = node_conditions([], pressures, health or Health(), "now")
    return {each["type"]: f"{each['status']} {each['reason']}" for each in made}


def test_a_healthy_node() -> None:
    assert conditions() == {
        "MemoryPressure": "False KubeletHasSufficientMemory",
        "DiskPressure": "False KubeletHasNoDiskPressure",
        "PIDPressure": "False KubeletHasSufficientPID",
        "Ready": "True KubeletReady",
    }


def test_a_node_in_trouble() -> None:
    found = conditions("MemoryPressure", "PIDPressure", health=Health("down", ""))
    assert found == {
        "MemoryPressure": "True KubeletHasInsufficientMemory",
        "DiskPressure": "False KubeletHasNoDiskPressure",
        "PIDPressure": "True KubeletHasInsufficientPID",
        "Ready": "False KubeletNotReady",
    }


def test_the_largest_images_are_shown() -> None:
    images = [ImageRef(f"id{n}", (), (f"i:{n}",), n) for n in range(60)] + [ImageRef("none", (), (), 99)]
    shown = node_images(images)
    assert len(shown) == 49
    assert shown[0] == {"names": ["i:59"], "sizeBytes": 59}


def test_use_of_the_machine() -> None:
    stat = "cpu  100 0 100 1000 50 0 0 0 0 0\n"
    use = node_usage(stat, "MemTotal: 100 kB\nMemFree: 20 kB\nMemAvailable: 60 kB\n", 100)
    assert (use.cpu_nanoseconds, use.memory_working_set) == (2_000_000_000, 40 * 1024)
