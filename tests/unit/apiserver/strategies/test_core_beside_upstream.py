"""Core, apps and batch: what a comparison with upstream's apiserver, request by request, brought to light."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Hashable
from typing import Any

import pytest

from apimachinery import scheme
from apimachinery.objects import Object, get_path, labels_of, name_of, uid_of
from apimachinery.scheme import Resource
from apiserver.registry.strategies.checks import enumerate_repeats
from tests.unit.apiserver.strategies.objects import (
    container,
    created,
    errors_of,
    make,
    pod,
    strategy,
    template,
    update_errors,
)

SELECTOR = {"matchLabels": {"app": "a"}}
CLAIM = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
ODD_MOUNT = {"name": "v", "mountPath": "/m", "mountPropagation": ""}
LABEL = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start "
    "and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
QUALIFIED = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)


def stateful_set(**spec: Any) -> Object:
    return make(scheme.STATEFUL_SETS, spec={"selector": SELECTOR, "template": template(), **spec})


def event(**fields: Any) -> Object:
    return make(scheme.EVENTS, involvedObject={"namespace": "shop"}, **fields)


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param(
            stateful_set(template=template(containers=[{"name": "c"}])),
            ["spec.template.spec.containers[0].image: Required value"],
            id="the template of a StatefulSet",
        ),
        pytest.param(
            stateful_set(
                template=template(containers=[container(volumeMounts=[{"name": "data", "mountPath": "/d"}])]),
                volumeClaimTemplates=[{"metadata": {"name": "data"}, "spec": CLAIM}],
            ),
            [],
            id="a mount of a claim template",
        ),
        pytest.param(
            stateful_set(template=template(hostname="No_Name", subdomain="No_Name")),
            [],
            id="names that the controller gives",
        ),
        pytest.param(
            stateful_set(volumeClaimTemplates=[{"metadata": {"name": "data"}, "spec": {}}]),
            [
                "spec.volumeClaimTemplates[0].spec.accessModes: Required value: "
                "at least 1 access mode is required",
                "spec.volumeClaimTemplates[0].spec.resources[storage]: Required value",
            ],
            id="a claim template",
        ),
        pytest.param(
            stateful_set(serviceName="No_Name"),
            [f'spec.serviceName: Invalid value: "No_Name": {LABEL}'],
            id="the service of a StatefulSet",
        ),
        pytest.param(
            make(scheme.REPLICATION_CONTROLLERS, spec={"selector": {"app": "a"}}),
            ["spec.template: Required value"],
            id="a ReplicationController without a template",
        ),
        pytest.param(
            make(scheme.REPLICA_SETS, spec={"selector": SELECTOR, "template": {}}),
            [
                "spec.template.metadata.labels: Invalid value: null: "
                "`selector` does not match template `labels`",
                "spec.template.spec.containers: Required value",
            ],
            id="a template with nothing in it",
        ),
        pytest.param(
            pod(volumes=[{"name": "v"}], containers=[container(volumeMounts=[ODD_MOUNT])]),
            [
                'spec.containers[0].volumeMounts.mountPropagation: Unsupported value: "": supported values: '
                '"Bidirectional", "HostToContainer", "None"'
            ],
            id="a mount propagation that is empty",
        ),
        pytest.param(pod(os={}), ["spec.os.name: Required value"], id="an operating system without a name"),
        pytest.param(
            pod(securityContext={"seLinuxChangePolicy": "MountOption"}),
            [
                'spec.securityContext.seLinuxChangePolicy: Unsupported value: "MountOption": '
                'supported values: "Recursive"'
            ],
            id="SELinux labels by mounting",
        ),
        pytest.param(
            make(scheme.SERVICES, spec={"ports": [{"port": 80}], "trafficDistribution": "Far"}),
            [
                'spec.trafficDistribution: Unsupported value: "Far": supported values: "PreferClose", '
                '"PreferSameZone", "PreferSameNode"'
            ],
            id="a traffic distribution",
        ),
        pytest.param(
            make(scheme.RESOURCE_QUOTAS, spec={"hard": {"pods": "1"}, "scopes": ["Odd"]}),
            ['spec.scopes: Invalid value: ["Odd"]: unsupported scope'],
            id="a scope that nobody knows counts whatever it is",
        ),
        pytest.param(
            event(eventTime="2026-01-01T00:00:00.000000Z", reportingComponent="a b", action="x" * 129),
            [
                f'reportingComponent: Invalid value: "a b": {QUALIFIED}',
                "reportingInstance: Required value",
                'action: Invalid value: "": can have at most 128 characters',
                "reason: Required value",
            ],
            id="an event with a time, in core/v1",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_as_upstream_does(obj: Object, expected: list[str]) -> None:
    resource = scheme.by_kind(obj["apiVersion"], obj["kind"])
    assert resource is not None
    assert errors_of(resource, obj) == expected


@pytest.mark.parametrize(
    ("resource", "given", "path", "expected"),
    [
        pytest.param(
            scheme.NODES,
            {"spec": {"podCIDR": "10.1.0.0/24", "podCIDRs": ["10.2.0.0/24"]}},
            "spec.podCIDRs",
            ["10.1.0.0/24"],
            id="podCIDR goes before podCIDRs",
        ),
        pytest.param(
            scheme.CRON_JOBS, {"spec": {}}, "spec.jobTemplate.spec.template.spec.dnsPolicy", "ClusterFirst",
            id="a template that is not there",
        ),
    ],
)  # fmt: skip
def test_defaults(resource: Resource, given: Object, path: str, expected: Any) -> None:
    assert get_path(created(resource, make(resource, **given)), path) == expected


def test_a_job_has_the_labels_that_are_made_for_its_pods() -> None:
    job = created(scheme.JOBS, make(scheme.JOBS, spec={"template": template({"app": "a"})}))
    assert labels_of(job) == labels_of(job["spec"]["template"])
    assert labels_of(job)["batch.kubernetes.io/controller-uid"] == uid_of(job)


def test_a_job_with_labels_of_its_own_keeps_to_them() -> None:
    given = make(scheme.JOBS, metadata={"labels": {"app": "a"}}, spec={"template": template({"app": "a"})})
    assert labels_of(created(scheme.JOBS, given)) == {"app": "a"}


def test_a_limit_range_without_a_name_is_given_one() -> None:
    limits = created(scheme.LIMIT_RANGES, make(scheme.LIMIT_RANGES, name=""))
    assert name_of(limits) == uid_of(limits)


def test_a_template_that_was_wrong_before_may_stay_so() -> None:
    old = stateful_set(template=template(containers=[{"name": "c"}]), serviceName="No_Name")
    new = stateful_set(template=template(containers=[{"name": "d"}]), serviceName="No_Name", replicas=3)
    assert update_errors(scheme.STATEFUL_SETS, new, old) == []


@pytest.mark.parametrize(
    ("change", "is_refused"),
    [
        pytest.param({"hostUsers": False}, True, id="false is no nothing"),
        pytest.param({"automountServiceAccountToken": False}, True, id="nor is it here"),
        pytest.param({"hostNetwork": False}, False, id="but where it is no pointer"),
        pytest.param({"nodeSelector": {}}, False, id="and an empty map is"),
    ],
)
def test_what_a_pod_update_may_not_change(change: Object, is_refused: bool) -> None:
    errors = update_errors(scheme.PODS, pod(), pod(**change))
    assert any("pod updates may not change" in each for each in errors) == is_refused


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param(
            {"resourceClaimStatuses": [{"name": "c"}]},
            [
                'status.resourceClaimStatuses[0].name: Invalid value: "c": '
                "must match the name of an entry in `spec.resourceClaims`"
            ],
            id="a claim of nobody",
        ),
        pytest.param(
            {"conditions": [{"type": "a b", "status": "True", "observedGeneration": -1}]},
            [
                "status.conditions[0].observedGeneration: Invalid value: -1: must be a non-negative integer",
                f'status.conditions[0].Type: Invalid value: "a b": {QUALIFIED}',
            ],
            id="conditions",
        ),
        pytest.param(
            {"containerStatuses": [{"name": "c", "user": {"linux": {"uid": -1, "gid": 0}}}]},
            [
                "status.containerStatuses[0].user.linux.uid: Invalid value: -1: "
                "must be between 0 and 2147483647, inclusive"
            ],
            id="who runs a container",
        ),
        pytest.param(
            {"podIPs": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.1"}]},
            [
                'status.podIPs: Invalid value: [{"IP":"10.0.0.1"},{"IP":"10.0.0.1"}]: '
                "may specify no more than one IP for each IP family",
                'status.podIPs[1]: Duplicate value: {"IP":"10.0.0.1"}',
            ],
            id="an address twice",
        ),
    ],
)
def test_what_is_wrong_with_the_status_of_a_pod(status: Object, expected: list[str]) -> None:
    old = created(scheme.PODS, pod())
    new = {**old, "status": {**old["status"], **status}}
    assert [str(each) for each in strategy(scheme.PODS).validate_status_update(new, old)] == expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param({"podIP": "10.0.0.1"}, ("10.0.0.1", [{"ip": "10.0.0.1"}]), id="the old name"),
        pytest.param(
            {"podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.2"}]},
            ("10.0.0.1", [{"ip": "10.0.0.1"}]),
            id="which goes first",
        ),
        pytest.param({"podIPs": [{"ip": "10.0.0.2"}]}, ("10.0.0.2", [{"ip": "10.0.0.2"}]), id="the new one"),
    ],
)
def test_the_addresses_of_a_pod_are_shared(status: Object, expected: tuple[str, list[Object]]) -> None:
    obj = {**pod(), "status": status}
    strategy(scheme.PODS).default(obj)
    assert (obj["status"]["podIP"], obj["status"]["podIPs"]) == expected


def job(**spec: Any) -> Object:
    return make(scheme.JOBS, spec={"template": template(restartPolicy="Never"), **spec})


@pytest.mark.parametrize(
    ("obj", "expected"),
    [
        pytest.param(
            job(completionMode="Odd", successPolicy={"rules": []}, backoffLimitPerIndex=1),
            [
                'spec.completionMode: Unsupported value: "Odd": supported values: "NonIndexed", "Indexed"',
                'spec.successPolicy: Invalid value: {"rules":[]}: requires indexed completion mode',
            ],
            id="a mode that nobody knows",
        ),
        pytest.param(
            {
                **job(completionMode="Indexed", completions=3),
                "metadata": {"name": "a.b", "namespace": "shop"},
            },
            [
                'metadata.name: Invalid value: "a.b": '
                "will not able to create pod with invalid DNS label: a.b-2"
            ],
            id="names of its hosts",
        ),
    ],
)
def test_what_is_wrong_with_a_job(obj: Object, expected: list[str]) -> None:
    assert errors_of(scheme.JOBS, obj) == expected


def test_json_nested_without_end_is_refused() -> None:
    data = {".dockerconfigjson": b64encode(b"[" * 100_000).decode()}
    assert errors_of(
        scheme.SECRETS, make(scheme.SECRETS, type="kubernetes.io/dockerconfigjson", data=data)
    ) == ['data[.dockerconfigjson]: Invalid value: "<secret contents redacted>": exceeded max depth']


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(["a", "b", "a", "a"], id="texts"),
        pytest.param([("a", 1), ("b", 1), ("a", 1), ("a", 1)], id="pairs"),
    ],
)
def test_repeats_are_found_among_what_was_before(values: list[Hashable]) -> None:
    found = [(index, is_repeated) for index, _, is_repeated in enumerate_repeats(values)]
    assert found == [(0, False), (1, False), (2, True), (3, True)]


def test_topologies_that_mean_the_same_are_told_once_each() -> None:
    """However many: with every other one, they would be more than a server can hold."""
    terms = [
        {"matchLabelExpressions": [{"key": "zone", "values": list(order)}]} for order in ("ab", "ba", "ab")
    ]
    obj = make(
        scheme.STORAGE_CLASSES,
        provisioner="example.com/disks",
        volumeBindingMode="Immediate",
        allowedTopologies=terms,
    )
    at = 'allowedTopologies[{}].matchLabelExpressions: Duplicate value: ""'
    assert errors_of(scheme.STORAGE_CLASSES, obj) == [at.format(1), at.format(2)]
