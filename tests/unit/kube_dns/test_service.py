"""What a daemon writes about itself, seen from every state of the Service and its slice."""

from __future__ import annotations

import pytest

from apimachinery.objects import Object
from kube_dns.service import Place, Plan, new_service, new_slice, plan

PLACE = Place(node="n1", address="192.0.2.7", port=10053, metrics_port=9153)


def make_service(uid: str = "u1", **spec: object) -> Object:
    service = new_service("10.96.0.10")
    return {
        **service,
        "metadata": {**service["metadata"], "uid": uid},
        "spec": {**service["spec"], **spec},
    }


def seen(place: Place = PLACE, uid: str = "u1") -> Object:
    published = new_slice(make_service(uid), place)
    return {**published, "metadata": {**published["metadata"], "resourceVersion": "5"}}


MOVED = Place(node="n1", address="192.0.2.8", port=10053, metrics_port=9153)
SELECTED = make_service(selector={"k8s-app": "kube-dns"})
LEAVING = {**make_service(), "metadata": {**make_service()["metadata"], "deletionTimestamp": "now"}}


@pytest.mark.parametrize(
    ("service", "own", "expected"),
    [
        pytest.param(None, None, Plan(create_service=True), id="no Service"),
        pytest.param(None, seen(), Plan(create_service=True), id="no Service any more"),
        pytest.param(
            make_service(), None, Plan(create_slice=new_slice(make_service(), PLACE)), id="no slice"
        ),
        pytest.param(make_service(), seen(), Plan(), id="all is well"),
        pytest.param(make_service(), seen(MOVED), Plan(update_slice=seen()), id="another address"),
        pytest.param(make_service("u2"), seen(), Plan(update_slice=seen(uid="u2")), id="another Service"),
        pytest.param(SELECTED, seen(), Plan(delete_slice=True), id="somebody else's Service"),
        pytest.param(SELECTED, None, Plan(), id="somebody else's for long"),
        pytest.param(LEAVING, seen(), Plan(delete_slice=True), id="a Service that goes"),
    ],
)
def test_plan(service: Object | None, own: Object | None, expected: Plan) -> None:
    assert plan(service, own, PLACE) == expected


def test_a_slice_names_its_node_and_leaves_out_what_is_not_served() -> None:
    published = new_slice(make_service(), Place(node="n1", address="fd00::7", port=53, metrics_port=0))
    assert published["metadata"]["name"] == "kube-dns-n1"
    assert published["addressType"] == "IPv6"
    assert published["endpoints"][0]["nodeName"] == "n1"
    assert published["ports"] == [
        {"name": "dns", "port": 53, "protocol": "UDP"},
        {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
    ]
