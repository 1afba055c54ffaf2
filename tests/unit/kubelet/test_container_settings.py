"""Limits, security, DNS and hosts of a pod."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object
from component_base.resolv_conf import ResolvConf, parse_resolv_conf
from kubelet.containers.dns import domain_of, hostname_of, pod_dns, sandbox_hostname
from kubelet.containers.hosts import hosts_file
from kubelet.containers.resources import resources_of
from kubelet.containers.sandbox import sandbox_config
from kubelet.containers.security import security_of
from kubelet.runtime.interface import CreateContainerConfigError, HostPort, ImageRef, Resources, Security
from tests.unit.kubelet.builders import IMAGE, make_container, make_pod, make_sidecar

GIB = 1 << 30


def limits(requests: Object | None = None, limits: Object | None = None) -> Resources:
    container = make_container(resources={"requests": requests or {}, "limits": limits or {}})
    return resources_of(make_pod(container), container, memory_capacity=4 * GIB)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param({}, Resources(2, 0, 0, 0, 1000), id="best effort"),
        pytest.param({"requests": {"cpu": "500m"}}, Resources(512, 0, 0, 0, 999), id="cpu asked for"),
        pytest.param({"limits": {"cpu": "1500m"}}, Resources(1536, 150_000, 0, 0, 999), id="cpu limited"),
        pytest.param({"limits": {"cpu": "1m"}}, Resources(2, 1000, 0, 0, 999), id="the least quota"),
        pytest.param(
            {"requests": {"memory": "1Gi"}}, Resources(2, 0, 0, 0, 750), id="a quarter of the memory"
        ),
        pytest.param(
            {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
            Resources(1024, 100_000, GIB, 0, -997),
            id="guaranteed",
        ),
    ],
)
def test_resources(given: dict[str, Object], expected: Resources) -> None:
    assert limits(**given) == expected


def score(pod: Object, container: Object) -> int:
    return resources_of(pod, container, memory_capacity=4 * GIB).oom_score_adj


def test_a_sidecar_lasts_as_long_as_what_it_serves() -> None:
    asks = {"resources": {"requests": {"memory": "1Gi"}}}
    main, sidecar = make_container(**asks), make_sidecar()
    pod = make_pod(main, init=(sidecar,))
    assert (score(pod, main), score(pod, sidecar)) == (750, 750)


def test_what_a_pod_asks_for_beyond_its_containers_is_shared_among_them() -> None:
    asks = {"resources": {"requests": {"memory": "1Gi"}}}
    more, less = make_container("a", **asks), make_container("b")
    pod = make_pod(more, less, resources={"requests": {"memory": "2Gi"}})
    assert (score(pod, more), score(pod, less)) == (625, 875)


def security(container: Object | None = None, pod: Object | None = None, image: ImageRef = IMAGE) -> Security:
    made = make_container(securityContext=container or {})
    return security_of(make_pod(made, securityContext=pod or {}), made, image, seccomp_root="/seccomp")


@pytest.mark.parametrize(
    ("container", "pod", "expected"),
    [
        pytest.param({}, {}, {}, id="nothing said"),
        pytest.param({}, {"runAsUser": 1, "runAsGroup": 2}, {"user": "1:2"}, id="the pod's user"),
        pytest.param({"runAsUser": 3}, {"runAsUser": 1}, {"user": "3"}, id="the container's user wins"),
        pytest.param({"runAsUser": 0}, {"runAsUser": 1}, {"user": "0"}, id="root wins, too"),
        pytest.param(
            {},
            {"fsGroup": 5, "supplementalGroups": [6, 5]},
            {"supplemental_groups": (6, 5)},
            id="groups",
        ),
        pytest.param({"privileged": True}, {}, {"privileged": True}, id="privileged"),
        pytest.param(
            {"allowPrivilegeEscalation": False}, {}, {"no_new_privileges": True}, id="no new privileges"
        ),
        pytest.param(
            {"capabilities": {"add": ["A"], "drop": ["ALL"]}},
            {},
            {"add_capabilities": ("A",), "drop_capabilities": ("ALL",)},
            id="capabilities",
        ),
        pytest.param(
            {}, {"seccompProfile": {"type": "RuntimeDefault"}}, {"seccomp": ""}, id="seccomp profile"
        ),
        pytest.param(
            {"seccompProfile": {"type": "Localhost", "localhostProfile": "my/own.json"}},
            {"seccompProfile": {"type": "RuntimeDefault"}},
            {"seccomp": "/seccomp/my/own.json"},
            id="the node's own seccomp profile",
        ),
        pytest.param(
            {"appArmorProfile": {"type": "Localhost", "localhostProfile": "mine"}},
            {"appArmorProfile": {"type": "Unconfined"}, "seLinuxOptions": {"level": "s0:c1"}},
            {"apparmor": "mine", "selinux": {"level": "s0:c1"}},
            id="AppArmor and SELinux",
        ),
        pytest.param(
            {}, {"appArmorProfile": {"type": "Unconfined"}}, {"apparmor": "unconfined"}, id="no AppArmor"
        ),
    ],
)
def test_security(container: Object, pod: Object, expected: dict[str, Any]) -> None:
    assert security(container, pod) == Security(**{"seccomp": "unconfined", **expected})


ROOT_MESSAGE = "container has runAsNonRoot and image will run as root"


@pytest.mark.parametrize(
    ("container", "user", "message"),
    [
        ({}, "", ROOT_MESSAGE),
        ({}, "0:0", ROOT_MESSAGE),
        ({}, "nobody", "image has non-numeric user .nobody., cannot verify user is non-root"),
        ({"runAsUser": 0}, "", "container's runAsUser breaks non-root policy"),
    ],
)
def test_root_is_refused(container: Object, user: str, message: str) -> None:
    with pytest.raises(CreateContainerConfigError, match=message):
        security(container, {"runAsNonRoot": True}, ImageRef("id", (), (), 1, user))


def test_a_number_that_is_not_root_is_fine() -> None:
    assert security({}, {"runAsNonRoot": True}, ImageRef("id", (), (), 1, "1000")).user is None


HOST = parse_resolv_conf("# x\nnameserver 192.0.2.53\nsearch lan.example.\noptions timeout:1\n")
OWN = ("shop.svc.cluster.local", "svc.cluster.local", "cluster.local")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({}, ResolvConf(("10.96.0.10",), (*OWN, "lan.example"), ("ndots:5",)), id="ClusterFirst"),
        pytest.param({"dnsPolicy": "Default"}, HOST, id="Default"),
        pytest.param({"hostNetwork": True}, HOST, id="ClusterFirst on the host's network"),
        pytest.param(
            {"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"},
            ResolvConf(("10.96.0.10",), (*OWN, "lan.example"), ("ndots:5",)),
            id="ClusterFirstWithHostNet",
        ),
        pytest.param(
            {
                "dnsPolicy": "None",
                "dnsConfig": {
                    "nameservers": ["1.1.1.1"],
                    "searches": ["a"],
                    "options": [{"name": "ndots", "value": "2"}, {"name": "edns0"}],
                },
            },
            ResolvConf(("1.1.1.1",), ("a",), ("ndots:2", "edns0")),
            id="None with a configuration",
        ),
        pytest.param(
            {"dnsConfig": {"options": [{"name": "ndots", "value": "1"}]}},
            ResolvConf(("10.96.0.10",), (*OWN, "lan.example"), ("ndots:1",)),
            id="an option overridden",
        ),
    ],
)
def test_dns(spec: Object, expected: ResolvConf) -> None:
    assert pod_dns(make_pod(**spec), HOST, ("10.96.0.10",), "cluster.local") == expected


def test_names_of_a_pod() -> None:
    pod = make_pod(hostname="boat", subdomain="quay", setHostnameAsFQDN=True)
    assert sandbox_hostname(pod, "cluster.local") == "boat.quay.shop.svc.cluster.local"
    assert sandbox_hostname(make_pod(meta={"name": "x" * 62 + "-y"}), "cluster.local") == "x" * 62
    overridden = make_pod(hostname="boat", subdomain="quay", hostnameOverride="db.example.com")
    assert sandbox_hostname(overridden, "cluster.local") == hostname_of(overridden) == "db.example.com"
    assert domain_of(overridden, "cluster.local") == ""


def test_hosts_file_ends_with_the_pod_and_its_aliases() -> None:
    text = hosts_file(["10.244.0.5"], "boat", "quay.shop.svc", [{"ip": "1.2.3.4", "hostnames": ["a", "b"]}])
    assert text.endswith(
        "10.244.0.5\tboat.quay.shop.svc\tboat\n\n# Entries added by HostAliases.\n1.2.3.4\ta\tb\n"
    )


def test_sandbox_has_the_ports_of_all_that_runs_together() -> None:
    ports = [{"containerPort": 80, "hostPort": 8080}, {"containerPort": 81}]
    side = make_sidecar(ports=[{"containerPort": 9, "hostPort": 99, "protocol": "UDP"}])
    pod = make_pod(make_container(ports=ports), init=(side,))
    config = sandbox_config(pod, attempt=1, dns=ResolvConf(), cluster_domain="cluster.local")
    assert config.host_ports == (HostPort(9, 99, "UDP"), HostPort(80, 8080))
    assert (config.hostname, config.attempt) == ("cart", 1)
