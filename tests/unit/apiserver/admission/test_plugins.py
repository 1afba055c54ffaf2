"""Each admission plugin over one write."""

from __future__ import annotations

import random
from typing import Any

import pytest

from apimachinery.errors import StatusError
from apimachinery.objects import Object, deep_copy
from apimachinery.scheme import (
    CERTIFICATE_SIGNING_REQUESTS,
    CONFIG_MAPS,
    NAMESPACES,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    PODS,
    PRIORITY_CLASSES,
    RUNTIME_CLASSES,
    SERVICES,
    Resource,
)
from apiserver.admission.always_pull_images import AlwaysPullImages
from apiserver.admission.attributes import Attributes, Operation, Plugin
from apiserver.admission.certificate_requester import CertificateRequester
from apiserver.admission.chain import Chain
from apiserver.admission.claim_resize import PersistentVolumeClaimResize
from apiserver.admission.default_classes import DefaultStorageClass
from apiserver.admission.default_toleration_seconds import DefaultTolerationSeconds
from apiserver.admission.external_ips import DenyServiceExternalIPs
from apiserver.admission.limit_ranger import LimitRanger
from apiserver.admission.namespace_lifecycle import NamespaceLifecycle
from apiserver.admission.priority import Priority
from apiserver.admission.runtime_class import RuntimeClass
from apiserver.admission.service_account import MOUNT_PATH, ServiceAccount
from apiserver.admission.taint_nodes_by_condition import TaintNodesByCondition
from apiserver.request import UserInfo

JANE = UserInfo("jane", "7", ("devs",))


def make_pod(**spec: Any) -> Object:
    container = {"name": "c", "image": "busybox"}
    return {"metadata": {"name": "web", "namespace": "shop"}, "spec": {"containers": [container], **spec}}


def write(
    obj: Object | None,
    resource: Resource = PODS,
    operation: Operation = "CREATE",
    *,
    subresource: str = "",
    old: Object | None = None,
    name: str = "web",
    user: UserInfo = JANE,
) -> Attributes:
    namespace = "shop" if resource.namespaced else ""
    return Attributes(operation, resource, subresource, namespace, name, deep_copy(obj), old, user)


class Objects:
    """What the cache would know, by resource and name."""

    def __init__(self, **found: Object) -> None:
        self.found = {name: {"metadata": {"name": name}, **obj} for name, obj in found.items()}

    def lookup(self, resource: Resource, namespace: str, name: str) -> Object | None:
        return self.found.get(name)

    async def fresh(self, resource: Resource, namespace: str, name: str) -> Object | None:
        return self.found.get(name)

    def all(self, resource: Resource) -> list[Object]:
        return list(self.found.values())


async def admit(plugin: Plugin, attributes: Attributes) -> Any:
    chain = Chain([plugin])
    await chain.admit(attributes)
    await chain.validate(attributes)
    return attributes.object


async def refusal(plugin: Plugin, attributes: Attributes) -> StatusError:
    with pytest.raises(StatusError) as caught:
        await admit(plugin, attributes)
    return caught.value


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


# ServiceAccount


def service_account(account: Object | None) -> ServiceAccount:
    async def find(namespace: str, name: str) -> Object | None:
        return account

    return ServiceAccount(find, random.Random(0))


async def test_a_pod_gets_the_default_account_and_its_token() -> None:
    pod = await admit(service_account({}), write(make_pod(initContainers=[{"name": "i"}])))
    (volume,) = pod["spec"]["volumes"]
    mount = {"name": volume["name"], "readOnly": True, "mountPath": MOUNT_PATH}
    mounts = [each["volumeMounts"] for key in ("containers", "initContainers") for each in pod["spec"][key]]
    assert (pod["spec"]["serviceAccountName"], mounts) == ("default", [[mount], [mount]])
    assert volume["name"].startswith("kube-api-access-")


NO_TOKEN = {
    "the pod does not want it": ({}, {"automountServiceAccountToken": False}),
    "the account does not want it": ({"automountServiceAccountToken": False}, {}),
    "something is mounted there": (
        {},
        {"containers": [{"name": "c", "volumeMounts": [{"name": "x", "mountPath": MOUNT_PATH}]}]},
    ),
}


@pytest.mark.parametrize("row", NO_TOKEN.values(), ids=NO_TOKEN.keys())
async def test_no_token_is_mounted_when(row: tuple[Object, Object]) -> None:
    account, spec = row
    pod = await admit(service_account(account), write(make_pod(**spec)))
    assert "volumes" not in pod["spec"]


async def test_the_pod_overrules_its_account() -> None:
    account = {"automountServiceAccountToken": False}
    pod = await admit(service_account(account), write(make_pod(automountServiceAccountToken=True)))
    assert len(pod["spec"]["volumes"]) == 1


async def test_pull_secrets_come_from_the_account() -> None:
    pod = await admit(service_account({"imagePullSecrets": [{"name": "reg"}]}), write(make_pod()))
    assert pod["spec"]["imagePullSecrets"] == [{"name": "reg"}]


async def test_a_missing_account_is_told() -> None:
    error = await refusal(service_account(None), write(make_pod(serviceAccountName="robot")))
    assert error.message == (
        'pods "web" is forbidden: error looking up service account shop/robot: '
        'serviceaccount "robot" not found'
    )


# Priority


def priority(**classes: Object) -> Priority:
    objects = Objects(**classes)
    return Priority(objects.lookup, objects.all)


PRIORITIES: dict[str, tuple[Object, Object, tuple[Any, ...]]] = {
    "no class at all": ({}, {}, (0, "PreemptLowerPriority", None)),
    "a class": ({"high": {"value": 10}}, {"priorityClassName": "high"}, (10, "PreemptLowerPriority", "high")),
    "the default class": (
        {"usual": {"value": 5, "globalDefault": True, "preemptionPolicy": "Never"}},
        {},
        (5, "Never", "usual"),
    ),
}


@pytest.mark.parametrize("row", PRIORITIES.values(), ids=PRIORITIES.keys())
async def test_a_class_becomes_a_number(row: tuple[Object, Object, tuple[Any, ...]]) -> None:
    classes, spec, expected = row
    pod = await admit(priority(**classes), write(make_pod(**spec)))
    keys = ("priority", "preemptionPolicy", "priorityClassName")
    assert tuple(pod["spec"].get(key) for key in keys) == expected


PRIORITY_REFUSALS = {
    "no such class": ({"priorityClassName": "x"}, "no PriorityClass with name x was found"),
    "a number of one's own": (
        {"priority": 7},
        "the integer value of priority (7) must not be provided in pod spec; "
        "priority admission controller computed 0 from the given PriorityClass name",
    ),
}


@pytest.mark.parametrize("row", PRIORITY_REFUSALS.values(), ids=PRIORITY_REFUSALS.keys())
async def test_a_priority_is_refused(row: tuple[Object, str]) -> None:
    spec, expected = row
    error = await refusal(priority(), write(make_pod(**spec)))
    assert error.message == f'pods "web" is forbidden: {expected}'


async def test_there_is_one_default_class() -> None:
    wanted = {"metadata": {"name": "other"}, "globalDefault": True}
    error = await refusal(
        priority(usual={"globalDefault": True}), write(wanted, PRIORITY_CLASSES, name="other")
    )
    assert "PriorityClass usual is already marked as default" in error.message


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


# LimitRanger


def limit_ranger(**limit: Any) -> LimitRanger:
    limit_range = {"spec": {"limits": [{"type": "Container", **limit}]}}
    return LimitRanger(lambda namespace: [limit_range])


async def test_containers_get_what_they_do_not_say() -> None:
    plugin = limit_ranger(default={"cpu": "2"}, defaultRequest={"cpu": "1", "memory": "1Gi"})
    spec = {"containers": [{"name": "c", "resources": {"requests": {"cpu": "3"}}}]}
    pod = await admit(plugin, write(make_pod(**spec)))
    assert pod["spec"]["containers"][0]["resources"] == {
        "requests": {"cpu": "3", "memory": "1Gi"}, "limits": {"cpu": "2"},
    }  # fmt: skip
    assert pod["metadata"]["annotations"] == {
        "kubernetes.io/limit-ranger": "LimitRanger plugin set: memory request for container c; "
        "cpu limit for container c"
    }


LIMIT_REFUSALS: dict[str, tuple[Object, Object, str]] = {
    "too much": (
        {"max": {"cpu": "500m"}},
        {"limits": {"cpu": "1"}},
        "maximum cpu usage per Container is 500m, but limit is 1",
    ),
    "too little": (
        {"min": {"memory": "64Mi"}},
        {"requests": {"memory": "1Mi"}},
        "minimum memory usage per Container is 64Mi, but request is 1Mi",
    ),
    "nothing said": (
        {"max": {"cpu": "1"}},
        {},
        "maximum cpu usage per Container is 1.  No limit is specified",
    ),
    "too wide apart": (
        {"maxLimitRequestRatio": {"cpu": "2"}},
        {"requests": {"cpu": "1"}, "limits": {"cpu": "3"}},
        "cpu max limit to request ratio per Container is 2, but provided ratio is 3.000000",
    ),
    "two things": (
        {"max": {"cpu": "1", "memory": "1Gi"}},
        {"limits": {"cpu": "2", "memory": "2Gi"}},
        "[maximum cpu usage per Container is 1, but limit is 2, "
        "maximum memory usage per Container is 1Gi, but limit is 2Gi]",
    ),
}


@pytest.mark.parametrize("row", LIMIT_REFUSALS.values(), ids=LIMIT_REFUSALS.keys())
async def test_a_limit_range_refuses(row: tuple[Object, Object, str]) -> None:
    limit, resources, expected = row
    pod = make_pod(containers=[{"name": "c", "resources": resources}])
    error = await refusal(limit_ranger(**limit), write(pod))
    assert error.message == f'pods "web" is forbidden: {expected}'


async def test_a_pod_is_not_resized_beyond_a_limit_range() -> None:
    plugin = limit_ranger(max={"cpu": "1"}, default={"memory": "1Gi"})
    pod = make_pod()
    pod["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "2"}, "requests": {"cpu": "1"}}
    error = await refusal(plugin, write(pod, operation="UPDATE", subresource="resize", old=make_pod()))
    assert error.message.endswith("is forbidden: maximum cpu usage per Container is 1, but limit is 2")
    pod["spec"]["containers"][0]["resources"]["limits"]["cpu"] = "1"
    resized = await admit(plugin, write(pod, operation="UPDATE", subresource="resize", old=make_pod()))
    assert "memory" not in resized["spec"]["containers"][0]["resources"]["limits"]


def test_a_chain_knows_who_is_asked() -> None:
    chain = Chain([TaintNodesByCondition()])
    asked = [
        chain.applies("CREATE", NODES),
        chain.applies("UPDATE", NODES),
        chain.applies("CREATE", CONFIG_MAPS),
    ]
    assert asked == [True, False, False]


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
