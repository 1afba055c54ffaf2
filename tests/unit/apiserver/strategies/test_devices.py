"""Claims of devices, classes and slices: defaults and what is wrong with them, in upstream's words."""

from typing import Any

import pytest

from apimachinery.errors import InvalidError
from apimachinery.field import ErrorList
from apimachinery.objects import Object
from apimachinery.times import parse_time
from apiserver.registry.strategies.devices.claims import ResourceClaimStrategy, ResourceClaimTemplateStrategy
from apiserver.registry.strategies.devices.offers import DeviceClassStrategy, ResourceSliceStrategy
from apiserver.registry.strategy import WriteContext
from apiserver.storage.memory import MemoryStorage

NO_REQUEST = (
    "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
)


def request(name: str = "gpu", **exactly: Any) -> Object:
    return {"name": name, "exactly": {"deviceClassName": "gpus", **exactly}}


def claim(*requests: Object, **devices: Any) -> Object:
    metadata = {"name": "c", "namespace": "ns"}
    obj = {"metadata": metadata, "spec": {"devices": {"requests": list(requests), **devices}}}
    ResourceClaimStrategy().default(obj)
    return obj


def texts(errors: ErrorList) -> list[str]:
    return [str(each) for each in errors]


def cel(expression: str) -> Object:
    return {"cel": {"expression": expression}}


FIRST = {"name": "any", "firstAvailable": [{"name": "big", "deviceClassName": "bigs"}]}
OPAQUE = {"opaque": {"driver": "d.example.com", "parameters": {"a": 1}}}


@pytest.mark.parametrize(
    ("obj", "errors"),
    [
        pytest.param(claim(request(), FIRST), [], id="good"),
        pytest.param(
            claim(request(), request()), ['spec.devices.requests[1]: Duplicate value: "gpu"'], id="twins"
        ),
        pytest.param(
            claim({"name": "gpu"}),
            [
                "spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is "
                "required"
            ],
            id="a request for nothing",
        ),
        pytest.param(
            claim(request(allocationMode="All", count=2)),
            [
                "spec.devices.requests[0].exactly.count: Invalid value: 2: must not be specified when "
                "allocationMode is 'All'"
            ],
            id="all two",
        ),
        pytest.param(
            claim(request(count=-1)),
            ["spec.devices.requests[0].exactly.count: Invalid value: -1: must be greater than zero"],
            id="fewer than none",
        ),
        pytest.param(
            claim(request(allocationMode="Some")),
            [
                'spec.devices.requests[0].exactly.allocationMode: Unsupported value: "Some": supported '
                'values: "All", "ExactCount"'
            ],
            id="another mode",
        ),
        pytest.param(
            claim(request(selectors=[cel("device.colour == 1")])),
            [
                'spec.devices.requests[0].exactly.selectors[0].cel.expression: Invalid value: '
                '"device.colour == 1": compilation failed: ERROR: <input>:1:7: undefined field \'colour\'\n'
                " | device.colour == 1\n | ......^"
            ],
            id="a field that devices don't have",
        ),
        pytest.param(
            claim(request(selectors=[cel("1")])),
            [
                'spec.devices.requests[0].exactly.selectors[0].cel.expression: Invalid value: "1": '
                "must evaluate to bool or the unknown type, not int"
            ],
            id="no condition",
        ),
        pytest.param(
            claim(request(), constraints=[{"requests": ["tpu"], "matchAttribute": "numa"}]),
            [
                f'spec.devices.constraints[0].requests[0]: Invalid value: "tpu": {NO_REQUEST}',
                'spec.devices.constraints[0].matchAttribute: Invalid value: "numa": must include a domain',
            ],
            id="a constraint about nothing",
        ),
        pytest.param(
            claim(FIRST, config=[{"requests": ["any/big"], **OPAQUE}]), [], id="for an alternative"
        ),
        pytest.param(
            claim(request(), config=[{"requests": ["gpu"]}]),
            ["spec.devices.config[0].opaque: Required value"],
            id="no configuration",
        ),
    ],
)  # fmt: skip
def test_claims(obj: Object, errors: list[str]) -> None:
    assert texts(ResourceClaimStrategy().validate(obj)) == errors


def test_one_device_is_the_default_and_gated_fields_are_dropped() -> None:
    obj = claim(request(tolerations=[{}]), FIRST)
    ResourceClaimStrategy().prepare_for_create(obj)
    one, any_of = obj["spec"]["devices"]["requests"]
    assert one["exactly"] == {"deviceClassName": "gpus", "allocationMode": "ExactCount", "count": 1}
    assert any_of["firstAvailable"][0]["count"] == 1


@pytest.mark.parametrize(
    ("labels", "is_allowed"), [({}, False), ({"resource.kubernetes.io/admin-access": "true"}, True)]
)
@pytest.mark.parametrize("is_template", [False, True])
async def test_devices_in_use_are_for_marked_namespaces(
    labels: Object, is_allowed: bool, is_template: bool
) -> None:
    obj = claim(request(adminAccess=True))
    strategy: Any = ResourceClaimStrategy()
    if is_template:
        obj, strategy = {**obj, "spec": {"spec": obj["spec"]}}, ResourceClaimTemplateStrategy()
    now = parse_time("2026-01-01T00:00:00Z")
    context = WriteContext(lambda *_: {"metadata": {"labels": labels}}, MemoryStorage(), now=lambda: now)
    if is_allowed:
        await strategy.begin_create(context, obj)
        return
    with pytest.raises(InvalidError) as raised:
        await strategy.begin_create(context, obj)
    assert str(raised.value).endswith(
        "spec.devices.requests[0].adminAccess: Forbidden: admin access to devices requires the "
        "`resource.kubernetes.io/admin-access: true` label on the containing namespace"
    )


RESULT = {"request": "gpu", "driver": "d.example.com", "pool": "n1", "device": "gpu-0"}
USER = {"resource": "pods", "name": "p", "uid": "u"}


def allocated(**result: Any) -> Object:
    return {"devices": {"results": [RESULT | result]}}


@pytest.mark.parametrize(
    ("before", "status", "errors"),
    [
        pytest.param({}, {"allocation": allocated(), "reservedFor": [USER]}, [], id="good"),
        pytest.param(
            {}, {"reservedFor": [USER]},
            ["status.reservedFor: Forbidden: may not be specified when `allocated` is not set"],
            id="users of nothing",
        ),
        pytest.param(
            {}, {"allocation": allocated(request="tpu")},
            [f'status.allocation.devices.results[0].request: Invalid value: "tpu": {NO_REQUEST}'],
            id="more than was asked for",
        ),
        pytest.param(
            {}, {"allocation": allocated(), "devices": [RESULT | {"device": "gpu-1"}]},
            [
                'status.devices[0]: Invalid value: "d.example.com/n1/gpu-1": must be an allocated device in '
                "the claim"
            ],
            id="news of a device of others",
        ),
    ],
)  # fmt: skip
def test_the_status_of_claims(before: Object, status: Object, errors: list[str]) -> None:
    old = claim(request()) | {"status": before}
    found = ResourceClaimStrategy().validate_status_update({**old, "status": status}, old)
    assert texts(found) == errors


def test_what_is_allocated_stays_so() -> None:
    old = claim(request()) | {"status": {"allocation": allocated()}}
    new = {**old, "status": {"allocation": allocated(device="gpu-1")}}
    (error,) = ResourceClaimStrategy().validate_status_update(new, old)
    assert (error.path, error.detail) == ("status.allocation", "field is immutable")


def test_news_of_a_device_go_with_it() -> None:
    old = claim(request()) | {"status": {"allocation": allocated(), "devices": [RESULT]}}
    new = {**old, "status": {"devices": [RESULT]}}
    ResourceClaimStrategy().prepare_for_status_update(new, old)
    assert new["status"] == {}


def a_slice(*devices: Object, **spec: Any) -> Object:
    pool = {"name": "n1", "generation": 1, "resourceSliceCount": 1}
    spec = {"driver": "d.example.com", "pool": pool, "nodeName": "n1", "devices": list(devices), **spec}
    return {"metadata": {"name": "s"}, "spec": spec}


ONE_PLACE = "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required"


@pytest.mark.parametrize(
    ("obj", "errors"),
    [
        pytest.param(
            a_slice({"name": "a", "attributes": {"model": {"string": "x"}, "e.com/v": {"version": "1.2.3"}}}),
            [], id="good",
        ),
        pytest.param(a_slice(nodeName=None), [f"spec: Required value: {ONE_PLACE}"], id="nowhere"),
        pytest.param(
            a_slice(allNodes=True),
            [f'spec: Invalid value: "{{`nodeName`, `allNodes`}}": {ONE_PLACE}, but multiple fields are set'],
            id="here and everywhere",
        ),
        pytest.param(
            a_slice({"name": "a"}, {"name": "a"}), ['spec.devices[1]: Duplicate value: "a"'], id="twins"
        ),
        pytest.param(
            a_slice({"name": "a", "attributes": {"v": {"version": "1.2"}, "w": {}}}),
            [
                'spec.devices[0].attributes[v].version: Invalid value: "1.2": must be a string compatible '
                "with semver.org spec 2.0.0",
                "spec.devices[0].attributes[w]: Required value: exactly one value must be specified",
            ],
            id="no values",
        ),
    ],
)  # fmt: skip
def test_slices(obj: Object, errors: list[str]) -> None:
    assert texts(ResourceSliceStrategy().validate(obj)) == errors


def test_a_slice_cannot_lose_its_spec() -> None:
    errors = texts(ResourceSliceStrategy().validate_update({"metadata": {"name": "s"}}, a_slice()))
    assert "spec.driver: Invalid value: null: field is immutable" in errors


def test_a_class_is_not_judged_again_for_what_it_had() -> None:
    old = {"metadata": {"name": "c"}, "spec": {"selectors": [cel("device.gone")]}}
    assert DeviceClassStrategy().validate(old)
    assert DeviceClassStrategy().validate_update({**old, "spec": dict(old["spec"])}, old) == []
