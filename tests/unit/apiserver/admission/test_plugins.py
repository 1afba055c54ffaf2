"""Each admission plugin over one write; those with more to say have modules of their own."""

from __future__ import annotations

import pytest

from apimachinery.errors import StatusError
from apimachinery.objects import Object, deep_copy
from apimachinery.scheme import (
    CERTIFICATE_SIGNING_REQUESTS,
    CONFIG_MAPS,
    NAMESPACES,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    RUNTIME_CLASSES,
    SERVICES,
    Resource,
)
from apiserver.admission.always_pull_images import AlwaysPullImages
from apiserver.admission.certificate_requester import CertificateRequester
from apiserver.admission.chain import Chain
from apiserver.admission.claim_resize import PersistentVolumeClaimResize
from apiserver.admission.default_classes import DefaultStorageClass
from apiserver.admission.default_toleration_seconds import DefaultTolerationSeconds
from apiserver.admission.external_ips import DenyServiceExternalIPs
from apiserver.admission.namespace_lifecycle import NamespaceLifecycle
from apiserver.admission.runtime_class import RuntimeClass
from apiserver.admission.taint_nodes_by_condition import TaintNodesByCondition
from tests.unit.apiserver.admission.writes import Objects, admit, make_pod, refusal, write


def test_a_chain_knows_who_is_asked() -> None:
    chain = Chain([TaintNodesByCondition()])
    asked = [
        chain.applies("CREATE", NODES),
        chain.applies("UPDATE", NODES),
        chain.applies("CREATE", CONFIG_MAPS),
    ]
    assert asked == [True, False, False]


def test_a_chain_takes_a_custom_resource_for_another_when_its_scope_is() -> None:
    chain = Chain([lifecycle()])
    scopes = [Resource("example.com", "v1", "widgets", "Widget", namespaced) for namespaced in (False, True)]
    assert [chain.applies("CREATE", each) for each in scopes] == [False, True]


# NamespaceLifecycle


async def up_to_date() -> None:
    """All is known already."""


def lifecycle(**phases: str) -> NamespaceLifecycle:
    return NamespaceLifecycle(phases.get, up_to_date)


async def test_nothing_is_created_where_there_is_no_namespace() -> None:
    error = await refusal(lifecycle(), write(make_pod()))
    assert (error.code, error.message) == (404, 'namespaces "shop" not found')


async def test_nothing_is_created_in_a_namespace_that_goes() -> None:
    error = await refusal(lifecycle(shop="Terminating"), write(make_pod()))
    assert error.message == (
        'pods "web" is forbidden: unable to create new content in namespace shop '
        "because it is being terminated"
    )
    assert error.details["causes"][0]["reason"] == "NamespaceTerminating"


async def test_updates_go_on_in_a_namespace_that_goes() -> None:
    await admit(lifecycle(shop="Terminating"), write(make_pod(), operation="UPDATE"))


async def test_system_namespaces_stay() -> None:
    error = await refusal(lifecycle(), write(None, NAMESPACES, "DELETE", name="kube-system"))
    assert error.message == 'namespaces "kube-system" is forbidden: this namespace may not be deleted'


# The small ones


async def test_tolerations_of_node_trouble_are_added_once() -> None:
    plugin = DefaultTolerationSeconds(300, 200)
    own = {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "tolerationSeconds": 5}
    pod = await admit(plugin, write(make_pod(tolerations=[own])))
    added = {
        "key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute",
        "tolerationSeconds": 200,
    }  # fmt: skip
    assert pod["spec"]["tolerations"] == [own, added]


async def test_one_who_tolerates_everything_gets_nothing() -> None:
    pod = await admit(DefaultTolerationSeconds(1, 1), write(make_pod(tolerations=[{"operator": "Exists"}])))
    assert pod["spec"]["tolerations"] == [{"operator": "Exists"}]


async def test_a_new_node_takes_no_pods_yet() -> None:
    node = await admit(TaintNodesByCondition(), write({"metadata": {"name": "n"}}, NODES, name="n"))
    assert node["spec"]["taints"] == [{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]


async def test_a_runtime_class_brings_its_overhead_and_selector() -> None:
    found = {"overhead": {"podFixed": {"cpu": "10m"}}, "scheduling": {"nodeSelector": {"vm": "yes"}}}
    plugin = RuntimeClass(Objects(kata=found).lookup)
    pod = await admit(plugin, write(make_pod(runtimeClassName="kata")))
    assert (pod["spec"]["overhead"], pod["spec"]["nodeSelector"]) == ({"cpu": "10m"}, {"vm": "yes"})


async def test_a_missing_runtime_class_is_told() -> None:
    error = await refusal(RuntimeClass(Objects().lookup), write(make_pod(runtimeClassName="kata")))
    assert error.message == 'pods "web" is forbidden: pod rejected: RuntimeClass "kata" not found'
    assert RUNTIME_CLASSES.plural == "runtimeclasses"


async def test_a_claim_gets_the_newest_default_class() -> None:
    marked = {"storageclass.kubernetes.io/is-default-class": "true"}

    def storage_class(name: str, created: str) -> Object:
        return {"metadata": {"name": name, "annotations": marked, "creationTimestamp": created}}

    classes = Objects(old=storage_class("old", "2025"), new=storage_class("new", "2026"))
    claim = {"metadata": {"name": "web"}, "spec": {}}
    made = await admit(DefaultStorageClass(classes.all), write(claim, PERSISTENT_VOLUME_CLAIMS))
    assert made["spec"]["storageClassName"] == "new"


async def test_a_certificate_request_says_who_really_asks() -> None:
    claimed = {"metadata": {"name": "c"}, "spec": {"username": "root", "groups": ["system:masters"]}}
    made = await admit(CertificateRequester(), write(claimed, CERTIFICATE_SIGNING_REQUESTS, name="c"))
    assert made["spec"] == {"username": "jane", "uid": "7", "groups": ["devs"]}


# PersistentVolumeClaimResize


def claim_of_size(size: str, phase: str = "Bound", class_name: str = "fast") -> Object:
    spec = {"storageClassName": class_name, "resources": {"requests": {"storage": size}}}
    return {"metadata": {"name": "web", "namespace": "shop"}, "spec": spec, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("old", "new", "why_not"),
    [
        pytest.param(claim_of_size("1Gi"), claim_of_size("2Gi"), "", id="its class lets it grow"),
        pytest.param(claim_of_size("1Gi", "Pending"), claim_of_size("1Gi"), "", id="nothing grows"),
        pytest.param(
            claim_of_size("1Gi", "Pending"),
            claim_of_size("2Gi"),
            "Only bound persistent volume claims can be expanded",
            id="not bound",
        ),
        pytest.param(
            claim_of_size("1Gi", class_name="slow"),
            claim_of_size("2Gi", class_name="slow"),
            "only dynamically provisioned pvc can be resized and "
            "the storageclass that provisions the pvc must support resize",
            id="its class does not",
        ),
    ],
)
async def test_who_may_grow(old: Object, new: Object, why_not: str) -> None:
    plugin = PersistentVolumeClaimResize(Objects(fast={"allowVolumeExpansion": True}, slow={}).lookup)
    attributes = write(new, PERSISTENT_VOLUME_CLAIMS, "UPDATE", old=old)
    if not why_not:
        assert await admit(plugin, attributes) == new
        return
    assert (await refusal(plugin, attributes)).message == (
        f'persistentvolumeclaims "web" is forbidden: {why_not}'
    )


# AlwaysPullImages, DenyServiceExternalIPs


async def test_every_image_is_pulled_each_time() -> None:
    pod = make_pod(initContainers=[{"name": "i", "image": "a", "imagePullPolicy": "Never"}])
    made = await admit(AlwaysPullImages(), write(pod))
    spec = made["spec"]
    assert [each["imagePullPolicy"] for each in spec["initContainers"] + spec["containers"]] == ["Always"] * 2


async def test_an_update_without_new_images_pulls_as_before() -> None:
    pod = make_pod()
    pod["spec"]["containers"][0]["imagePullPolicy"] = "IfNotPresent"
    kept = await admit(AlwaysPullImages(), write(pod, operation="UPDATE", old=deep_copy(pod)))
    assert kept["spec"]["containers"][0]["imagePullPolicy"] == "IfNotPresent"


async def test_who_makes_an_image_not_be_pulled_after_all_is_refused() -> None:
    pod = make_pod()
    pod["spec"]["containers"][0]["imagePullPolicy"] = "Never"
    with pytest.raises(StatusError) as error:
        await AlwaysPullImages().validate(write(pod))
    assert error.value.message == (
        'pods "web" is forbidden: spec.containers[0].imagePullPolicy: Unsupported value: "Never": '
        'supported values: "Always"'
    )


@pytest.mark.parametrize(
    ("old", "new", "is_allowed"),
    [
        (None, [], True),
        (None, ["1.2.3.4"], False),
        (["1.2.3.4"], ["1.2.3.4"], True),
        (["1.2.3.4"], ["4.3.2.1"], False),
    ],
)
async def test_new_external_addresses_are_denied(
    old: list[str] | None, new: list[str], is_allowed: bool
) -> None:
    before = None if old is None else {"metadata": {"name": "web"}, "spec": {"externalIPs": old}}
    attributes = write(
        {"metadata": {"name": "web"}, "spec": {"externalIPs": new}}, SERVICES,
        "CREATE" if old is None else "UPDATE", old=before,
    )  # fmt: skip
    if is_allowed:
        await admit(DenyServiceExternalIPs(), attributes)
    else:
        error = await refusal(DenyServiceExternalIPs(), attributes)
        assert error.message.endswith("is forbidden: Use of external IPs is denied by admission control")
