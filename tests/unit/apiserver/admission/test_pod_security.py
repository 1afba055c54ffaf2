"""The Pod Security Standards as tables, and PodSecurity over namespaces, pods and workloads."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from apimachinery.errors import StatusError
from apimachinery.objects import Object, deep_copy
from apimachinery.scheme import DEPLOYMENTS, NAMESPACES, PODS, Resource
from apiserver.admission.attributes import Attributes
from apiserver.admission.configuration import load_configuration
from apiserver.admission.pod_security.configuration import Configuration, parse_configuration
from apiserver.admission.pod_security.evaluation import told, violations
from apiserver.admission.pod_security.metrics import PodSecurityMetrics
from apiserver.admission.pod_security.plugin import PodSecurity
from apiserver.admission.pod_security.policy import LATEST, PREFIX, Policy, Standard, policy_of
from apiserver.config_files import ConfigError
from apiserver.request import UserInfo

HARDENED = {
    "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "runAsNonRoot": True,
    "seccompProfile": {"type": "RuntimeDefault"},
}  # fmt: skip
PLAIN_IS_NOT_RESTRICTED = (
    "allowPrivilegeEscalation != false "
    '(container "c" must set securityContext.allowPrivilegeEscalation=false), '
    'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), '
    'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), '
    'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" '
    'or "Localhost")'
)


def containers(**security: Any) -> Object:
    return {"containers": [{"name": "c", "securityContext": security}]}


def hardened(**spec: Any) -> Object:
    return {"containers": [{"name": "c", "securityContext": HARDENED}], **spec}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (containers(), ""),
        ({"hostNetwork": True, "hostPID": True}, "host namespaces (hostNetwork=true, hostPID=true)"),
        (
            containers(privileged=True),
            'privileged (container "c" must not set securityContext.privileged=true)',
        ),
        (
            containers(capabilities={"add": ["NET_RAW", "CHOWN", "BPF"]}),
            'non-default capabilities (container "c" must not include "BPF", "NET_RAW" '
            "in securityContext.capabilities.add)",
        ),
        (
            {"volumes": [{"name": "a", "hostPath": {"path": "/"}}, {"name": "b", "hostPath": {"path": "/"}}]},
            'hostPath volumes (volumes "a", "b")',
        ),
        (
            {
                "containers": [
                    {"name": "a", "ports": [{"hostPort": 80}]},
                    {"name": "b", "ports": [{"hostPort": 9}]},
                ]
            },
            'hostPort (containers "a", "b" use hostPorts 80, 9)',
        ),
        (
            {"containers": [{"name": "a", "livenessProbe": {"httpGet": {"host": "10.0.0.1"}}}]},
            'probe or lifecycle host (container "a" uses probe or lifecycle host "10.0.0.1")',
        ),
        (
            containers(procMount="Unmasked"),
            'procMount (container "c" must not set securityContext.procMount to "Unmasked")',
        ),
        (
            {"securityContext": {"seLinuxOptions": {"type": "x", "user": "u"}}},
            "seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: "
            'type "x"; user may not be set)',
        ),
        (
            containers(seccompProfile={"type": "Unconfined"}),
            'seccompProfile (container "c" must not set securityContext.seccompProfile.type to "Unconfined")',
        ),
        (
            {"securityContext": {"sysctls": [{"name": "kernel.msgmax"}, {"name": "net.ipv4.tcp_rmem"}]}},
            "forbidden sysctls (kernel.msgmax)",
        ),
        (
            {"securityContext": {"windowsOptions": {"hostProcess": True}}},
            "hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)",
        ),
        (
            containers(appArmorProfile={"type": "Unconfined"}),
            'forbidden AppArmor profile (container "c" must not set AppArmor profile type to "Unconfined")',
        ),
    ],
)
def test_baseline(spec: Object, expected: str) -> None:
    assert told(violations(Standard("baseline"), {}, spec)) == expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (hardened(), ""),
        (containers(), PLAIN_IS_NOT_RESTRICTED),
        (hardened(volumes=[{"name": "v", "emptyDir": {}}]), ""),
        (
            hardened(volumes=[{"name": "v", "nfs": {}}, {"name": "w", "hostPath": {}}]),
            'restricted volume types (volumes "v", "w" use restricted volume types "hostPath", "nfs")',
        ),
        (
            hardened(securityContext={"runAsNonRoot": False, "runAsUser": 0}),
            "runAsNonRoot != true (pod must not set securityContext.runAsNonRoot=false), "
            "runAsUser=0 (pod must not set runAsUser=0)",
        ),
        ({"os": {"name": "windows"}, **containers(runAsNonRoot=True)}, ""),
    ],
)
def test_restricted(spec: Object, expected: str) -> None:
    assert told(violations(Standard("restricted"), {}, spec)) == expected


@pytest.mark.parametrize(
    ("version", "spec", "is_allowed"),
    [
        ("restricted:7", containers(runAsNonRoot=True), True),
        ("restricted:8", containers(runAsNonRoot=True), False),
        ("restricted:24", {"os": {"name": "windows"}, **containers(runAsNonRoot=True)}, False),
        ("baseline:33", {"containers": [{"name": "a", "livenessProbe": {"tcpSocket": {"host": "h"}}}]}, True),
        (
            "baseline:99",
            {"containers": [{"name": "a", "livenessProbe": {"tcpSocket": {"host": "h"}}}]},
            False,
        ),
        (
            "baseline:26",
            {"securityContext": {"sysctls": [{"name": "net.ipv4.ip_local_reserved_ports"}]}},
            False,
        ),
        (
            "baseline:27",
            {"securityContext": {"sysctls": [{"name": "net.ipv4.ip_local_reserved_ports"}]}},
            True,
        ),
    ],
)
def test_a_pinned_version_checks_as_that_version_did(version: str, spec: Object, is_allowed: bool) -> None:
    level, _, minor = version.partition(":")
    assert (not violations(Standard(level, int(minor)), {}, spec)) == is_allowed


@pytest.mark.parametrize(
    ("labels", "expected", "wrong"),
    [
        ({}, "privileged:latest privileged:latest privileged:latest", []),
        ({"enforce": "baseline"}, "baseline:latest privileged:latest baseline:latest", []),
        (
            {"enforce": "restricted", "enforce-version": "v1.30", "warn": "privileged"},
            "restricted:v1.30 privileged:latest privileged:latest",
            [],
        ),
        (
            {"enforce": "baseline", "enforce-version": "v1.2"},
            "baseline:v1.2 privileged:latest baseline:v1.2",
            [],
        ),
        ({"enforce": "strict"}, "restricted:latest privileged:latest privileged:latest", ["enforce"]),
        (
            {"warn": "loose", "warn-version": "1.2"},
            "privileged:latest privileged:latest privileged:latest",
            ["warn", "warn-version"],
        ),
    ],
)
def test_labels_make_a_policy(labels: dict[str, str], expected: str, wrong: list[str]) -> None:
    policy, errors = policy_of({PREFIX + key: value for key, value in labels.items()}, Policy())
    assert f"{policy.enforce} {policy.audit} {policy.warn}" == expected
    assert [each.path for each in errors] == [f"metadata.labels[{PREFIX}{each}]" for each in wrong]


def make_namespace(**labels: str) -> Object:
    return {"metadata": {"name": "shop", "labels": {PREFIX + key: value for key, value in labels.items()}}}


def make_pod(name: str = "web", spec: Object | None = None, owner: str = "") -> Object:
    owners = {"ownerReferences": [{"controller": True, "uid": owner}]} if owner else {}
    return {"metadata": {"name": name, "namespace": "shop", **owners}, "spec": spec or containers()}


def deployment() -> Object:
    return {"metadata": {"name": "web", "namespace": "shop"}, "spec": {"template": {"spec": containers()}}}


class Case:
    def __init__(self, namespace: Object, *pods: Object, configuration: Configuration | None = None) -> None:
        async def fresh(resource: Resource, name_space: str, name: str) -> Object | None:
            return namespace

        self.plugin = PodSecurity(
            lambda resource, name_space, name: deep_copy(namespace),
            fresh,
            lambda name_space: pods,
            configuration or Configuration(),
        )

    async def judge(self, resource: Resource, obj: Object, old: Object | None = None) -> Attributes:
        namespace = "shop" if resource.namespaced else ""
        attributes = Attributes(
            "CREATE" if old is None else "UPDATE", resource, "", namespace, obj["metadata"]["name"], obj, old,
            UserInfo("jane"),
        )  # fmt: skip
        await self.plugin.validate(attributes)
        return attributes


async def test_a_pod_beyond_the_enforced_standard_is_refused() -> None:
    with pytest.raises(StatusError) as refusal:
        await Case(make_namespace(enforce="restricted")).judge(PODS, make_pod())
    expected = f'pods "web" is forbidden: violates PodSecurity "restricted:latest": {PLAIN_IS_NOT_RESTRICTED}'
    assert (refusal.value.code, refusal.value.message) == (403, expected)


async def test_warnings_and_notes_of_a_pod() -> None:
    seen = await Case(make_namespace(warn="restricted", audit="restricted")).judge(PODS, make_pod())
    would = f'would violate PodSecurity "restricted:latest": {PLAIN_IS_NOT_RESTRICTED}'
    assert seen.warnings == [would]
    assert seen.annotations == {
        PREFIX + "audit-violations": would,
        PREFIX + "enforce-policy": "privileged:latest",
    }


async def test_workloads_are_warned_of_what_their_pods_would_violate() -> None:
    seen = await Case(make_namespace(enforce="restricted")).judge(DEPLOYMENTS, deployment())
    assert seen.warnings == [f'would violate PodSecurity "restricted:latest": {PLAIN_IS_NOT_RESTRICTED}']


async def test_an_update_that_changes_no_image_is_not_judged() -> None:
    case, old = Case(make_namespace(enforce="restricted")), make_pod()
    await case.judge(PODS, make_pod(), old)
    other = make_pod(spec={"containers": [{"name": "c", "image": "other"}]})
    with pytest.raises(StatusError):
        await case.judge(PODS, other, old)


async def test_a_stricter_namespace_tells_of_the_pods_that_are_there() -> None:
    shared = [make_pod(name, owner="7") for name in ("b-2", "b-1", "b-3")]
    case = Case(make_namespace(), make_pod("a", {"hostNetwork": True, **containers()}), *shared)
    seen = await case.judge(NAMESPACES, make_namespace(enforce="restricted"), make_namespace())
    reasons = (
        "allowPrivilegeEscalation != false, unrestricted capabilities, runAsNonRoot != true, seccompProfile"
    )
    assert seen.warnings == [
        'existing pods in namespace "shop" violate the new PodSecurity enforce level "restricted:latest"',
        f"a: host namespaces, {reasons}",
        f"b-1 (and 2 other pods): {reasons}",
    ]


async def test_a_looser_namespace_tells_nothing() -> None:
    case = Case(make_namespace(), make_pod())
    old = make_namespace(enforce="restricted")
    assert not (await case.judge(NAMESPACES, make_namespace(enforce="baseline"), old)).warnings


async def test_wrong_labels_are_refused_unless_they_were_there_before() -> None:
    wrong = make_namespace(enforce="strict")
    with pytest.raises(StatusError) as refusal:
        await Case(wrong).judge(NAMESPACES, wrong)
    assert refusal.value.message == (
        'Namespace "shop" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: '
        'Invalid value: "strict": must be one of privileged, baseline, restricted'
    )
    await Case(wrong).judge(NAMESPACES, wrong, deep_copy(wrong))


@pytest.mark.parametrize(
    "exemption", [{"namespaces": ["shop"]}, {"usernames": ["jane"]}, {"runtimeClasses": ["safe"]}]
)
async def test_who_is_exempt_is_not_judged(exemption: Object) -> None:
    document = {
        "apiVersion": "pod-security.admission.config.k8s.io/v1", "kind": "PodSecurityConfiguration",
        "defaults": {"enforce": "restricted"}, "exemptions": exemption,
    }  # fmt: skip
    case = Case(make_namespace(), configuration=parse_configuration(document))
    await case.judge(PODS, make_pod(spec={"runtimeClassName": "safe", **containers()}))
    with pytest.raises(StatusError):
        await Case(make_namespace(enforce="restricted")).judge(PODS, make_pod())


POD, CONTROLLER = ("create", "pod", ""), ("create", "controller", "")


@pytest.mark.parametrize(
    ("modes", "resource", "evaluations"),
    [
        pytest.param({}, PODS, {("allow", "privileged", "latest", "enforce", *POD)}, id="anything goes"),
        pytest.param(
            {"enforce": "baseline", "warn": "restricted", "audit": "restricted"},
            PODS,
            {
                ("allow", "baseline", "latest", "enforce", *POD),
                ("deny", "restricted", "latest", "audit", *POD),
                ("deny", "restricted", "latest", "warn", *POD),
            },
            id="a pod",
        ),
        pytest.param(
            {"enforce": "restricted"},
            PODS,
            {("deny", "restricted", "latest", "enforce", *POD)},
            id="a refusal, of which nobody is warned",
        ),
        pytest.param(
            {"enforce": "restricted"},
            DEPLOYMENTS,
            {("deny", "restricted", "latest", "warn", *CONTROLLER)},
            id="a template",
        ),
    ],
)
async def test_what_comes_of_pods_is_counted(
    modes: dict[str, str], resource: Resource, evaluations: set[tuple[str, ...]]
) -> None:
    before = counted("pod_security_evaluations_total")
    with suppress(StatusError):
        await Case(make_namespace(**modes)).judge(resource, make_pod() if resource == PODS else deployment())
    seen = {
        labels: value - before.get(labels, 0)
        for labels, value in counted("pod_security_evaluations_total").items()
        if value != before.get(labels, 0)
    }
    assert seen == dict.fromkeys(evaluations, 1)


async def test_exemptions_and_errors_are_counted() -> None:
    before = counted("pod_security_exemptions_total").get(POD, 0)
    exempt = parse_configuration({
        "apiVersion": "pod-security.admission.config.k8s.io/v1", "kind": "PodSecurityConfiguration",
        "exemptions": {"namespaces": ["shop"]},
    })  # fmt: skip
    await Case(make_namespace(), configuration=exempt).judge(PODS, make_pod())
    assert counted("pod_security_exemptions_total")[POD] == before + 1
    before = counted("pod_security_errors_total").get(("false", *POD), 0)
    with suppress(StatusError):
        await Case(make_namespace(enforce="strict")).judge(PODS, make_pod())
    assert counted("pod_security_errors_total")["false", *POD] == before + 1


def counted(series: str) -> dict[tuple[str, ...], float]:
    """By the values of its labels."""
    return {
        tuple(sample.labels.values()): sample.value
        for family in PodSecurityMetrics().collect()
        for sample in family.samples
        if sample.name == series
    }


def test_the_configuration_is_read_from_a_file_or_the_file_it_names(tmp_path: Path) -> None:
    (tmp_path / "security.yaml").write_text(
        "{apiVersion: pod-security.admission.config.k8s.io/v1, kind: PodSecurityConfiguration,"
        " defaults: {enforce: baseline, enforce-version: v1.30}}"
    )
    main = tmp_path / "admission.yaml"
    main.write_text(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins: ["
        "{name: PodSecurity, path: security.yaml}, {name: Other, configuration: {kind: X}}]"
    )
    found = load_configuration(str(main))
    assert found["Other"] == {"kind": "X"}
    assert parse_configuration(found["PodSecurity"]).defaults == Policy(Standard("baseline", 30))
    assert parse_configuration({}).defaults.enforce == Standard("privileged", LATEST)
    with pytest.raises(ConfigError):
        load_configuration(str(tmp_path / "security.yaml"))
    main.write_text(
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\n"
        "plugins: [{name: Other, configuration: x}]"
    )
    with pytest.raises(ConfigError, match="Other: not an object"):
        load_configuration(str(main))
