"""Why a pod with device claims doesn't start."""

import pytest

from apimachinery.objects import Object
from kubelet.pods.devices import DeviceError, check_claim

POD: Object = {"metadata": {"name": "p", "namespace": "ns", "uid": "u1"}}
NAMED: Object = {"name": "gpu", "resourceClaimName": "c"}
MADE: Object = {"name": "gpu", "resourceClaimTemplateName": "t"}
USER: Object = {"resource": "pods", "name": "p", "uid": "u1"}
RESULT: Object = {"request": "g", "driver": "d.example.com", "pool": "n1", "device": "gpu-0"}


def claim(*users: Object, results: tuple[Object, ...] = (RESULT,)) -> Object:
    status = {"allocation": {"devices": {"results": list(results)}}, "reservedFor": list(users)}
    return {"metadata": {"name": "c", "namespace": "ns", "uid": "u2"}, "status": status}


@pytest.mark.parametrize(
    ("reference", "it", "expected"),
    [
        (NAMED, claim(USER, results=()), ""),
        (NAMED, claim(USER), "DRA driver d.example.com is not registered"),
        (NAMED, claim(), "pod p (u1) is not allowed to use resource claim c (u2)"),
        (MADE, claim(USER), "ResourceClaim ns/c was not created for pod ns/p (pod is not owner)"),
    ],
)
def test_claims_are_checked(reference: Object, it: Object, expected: str) -> None:
    found = ""
    try:
        check_claim(POD, reference, it)
    except DeviceError as error:
        found = str(error)
    assert found == expected
