"""Fields behind gates that are off: dropped where they are new, kept where the object has them."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery.objects import Object, deep_copy
from apimachinery.scheme import (
    CONFIG_MAPS,
    CRON_JOBS,
    DEPLOYMENTS,
    HORIZONTAL_POD_AUTOSCALERS,
    PODS,
    Resource,
)
from apiserver.registry.disabled_fields import TABLE, DisabledFields
from component_base.feature_table import FEATURES
from component_base.features import FeatureGates

RULES = [{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}]
SIGNAL = {"lifecycle": {"stopSignal": "SIGUSR1"}}


def pod(*containers: Object, **spec: Any) -> Object:
    return {"spec": {"containers": list(containers) or [{"name": "c"}], **spec}}


@pytest.mark.parametrize(
    ("resource", "written", "stored"),
    [
        pytest.param(
            PODS,
            pod({"name": "c", "restartPolicy": "Always", "restartPolicyRules": RULES}),
            pod({"name": "c"}),
            id="restart rules of a container",
        ),
        pytest.param(
            PODS,
            pod(initContainers=[{"name": "i", "restartPolicy": "OnFailure"}]),
            pod(initContainers=[{"name": "i"}]),
            id="an init container's policy",
        ),
        pytest.param(
            PODS,
            pod(initContainers=[{"name": "i", "restartPolicy": "Always"}]),
            pod(initContainers=[{"name": "i", "restartPolicy": "Always"}]),
            id="but that of a sidecar",
        ),
        pytest.param(
            PODS, pod({"name": "c", **SIGNAL}), pod({"name": "c"}), id="a stop signal, and all that held it"
        ),
        pytest.param(
            PODS,
            pod({"name": "c", "lifecycle": {"stopSignal": "SIGHUP", "preStop": {"sleep": {"seconds": 1}}}}),
            pod({"name": "c", "lifecycle": {"preStop": {"sleep": {"seconds": 1}}}}),
            id="a stop signal beside a hook",
        ),
        pytest.param(
            PODS,
            pod(
                {"name": "c", "volumeMounts": [{"name": "v"}]},
                {"name": "d", "volumeMounts": [{"name": "v"}, {"name": "w"}]},
                volumes=[{"name": "v", "image": {"reference": "a"}}, {"name": "w", "emptyDir": {}}],
            ),
            pod(
                {"name": "c"},
                {"name": "d", "volumeMounts": [{"name": "w"}]},
                volumes=[{"name": "w", "emptyDir": {}}],
            ),
            id="an image as a volume, and what mounts it",
        ),
        pytest.param(PODS, pod(hostUsers=False), pod(hostUsers=False), id="nothing behind open gates"),
        pytest.param(
            DEPLOYMENTS,
            {"spec": {"template": pod({"name": "c", **SIGNAL})}},
            {"spec": {"template": pod({"name": "c"})}},
            id="in a template",
        ),
        pytest.param(
            CRON_JOBS,
            {"spec": {"jobTemplate": {"spec": {"template": pod({"name": "c", **SIGNAL})}}}},
            {"spec": {"jobTemplate": {"spec": {"template": pod({"name": "c"})}}}},
            id="in a template of a template",
        ),
        pytest.param(
            HORIZONTAL_POD_AUTOSCALERS,
            {"spec": {"behavior": {"scaleUp": {"tolerance": "0.1", "selectPolicy": "Max"}}}},
            {"spec": {"behavior": {"scaleUp": {"selectPolicy": "Max"}}}},
            id="an autoscaler's tolerance",
        ),
        pytest.param(CONFIG_MAPS, {"data": {"a": "b"}}, {"data": {"a": "b"}}, id="a kind without any"),
    ],
)
def test_new_fields_behind_closed_gates_are_dropped(
    resource: Resource, written: Object, stored: Object
) -> None:
    obj = deep_copy(written)
    DisabledFields().drop(resource, obj, None)
    assert obj == stored


def test_what_the_object_uses_already_may_be_used_on() -> None:
    old = pod({"name": "c", **SIGNAL})
    new = pod(
        {"name": "c", **SIGNAL}, {"name": "d", "lifecycle": {"stopSignal": "SIGINT"}}, hostnameOverride="h"
    )
    wanted = deep_copy(new)
    del wanted["spec"]["hostnameOverride"]
    DisabledFields().drop(PODS, new, old)
    assert new == wanted


USERS = {"containerStatuses": [{"name": "c", "user": {"linux": {"uid": 1}}}]}
NO_USERS = {"containerStatuses": [{"name": "c"}]}
GROUPS = {"securityContext": {"supplementalGroupsPolicy": "Strict"}}
HEALTH = {"containerStatuses": [{"name": "c", "allocatedResourcesStatus": [{"name": "gpu"}]}]}


@pytest.mark.parametrize(
    ("old", "new", "stored"),
    [
        pytest.param(
            pod(**GROUPS), {**pod(**GROUPS), "status": USERS}, {**pod(**GROUPS), "status": USERS},
            id="a spec that uses them lets users be told",
        ),
        pytest.param(
            {**pod(), "status": USERS}, {**pod(), "status": USERS}, {**pod(), "status": NO_USERS},
            id="users that are told do not",
        ),
        pytest.param(
            {**pod(), "status": USERS}, pod(**GROUPS), pod(securityContext={}),
            id="nor do they let a spec use them",
        ),
        pytest.param(
            {**pod(), "status": HEALTH}, {**pod(), "status": HEALTH}, {**pod(), "status": NO_USERS},
            id="the health of devices goes, whatever was told",
        ),
    ],
)  # fmt: skip
def test_status_and_spec_are_asked_separately(old: Object, new: Object, stored: Object) -> None:
    obj = deep_copy(new)
    closed = FeatureGates({"SupplementalGroupsPolicy": False, "ResourceHealthStatus": False})
    DisabledFields(closed).drop(PODS, obj, old)
    assert obj == stored


def test_an_open_gate_lets_its_fields_through_and_a_closed_one_drops_them_anew() -> None:
    disabled = DisabledFields(FeatureGates({"ContainerStopSignals": True, "UserNamespacesSupport": False}))
    obj = pod({"name": "c", **SIGNAL}, hostUsers=False)
    disabled.drop(PODS, obj, None)
    assert obj == pod({"name": "c", **SIGNAL})


def test_every_gate_of_the_table_is_a_feature() -> None:
    assert {each.gate for fields in TABLE.values() for each in fields} <= FEATURES.keys()
