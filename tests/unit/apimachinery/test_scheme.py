"""The table of built-in resources."""

import pytest

from apimachinery import scheme
from apimachinery.schema import builtin
from apimachinery.scheme import BUILTIN, Resource, subresource_of


def test_every_resource_has_a_schema() -> None:
    assert [each for each in BUILTIN if builtin().find(each.api_version, each.kind) is None] == []


def test_resources_are_found_by_url_and_by_kind() -> None:
    for each in BUILTIN:
        assert scheme.lookup(each.group, each.version, each.plural) is each
        assert scheme.by_kind(each.api_version, each.kind) is each


@pytest.mark.parametrize(
    ("resource", "prefix"),
    [
        (scheme.PODS, "/registry/pods/"), (scheme.NODES, "/registry/minions/"),
        (scheme.SERVICES, "/registry/services/specs/"), (scheme.ENDPOINTS, "/registry/services/endpoints/"),
        (scheme.REPLICATION_CONTROLLERS, "/registry/controllers/"), (scheme.INGRESSES, "/registry/ingress/"),
        (scheme.DEPLOYMENTS, "/registry/deployments/"), (scheme.EVENTS_V1, "/registry/events/"),
        (scheme.API_SERVICES, "/registry/apiregistration.k8s.io/apiservices/"),
        (Resource("example.com", "v1", "boats", "Boat", True), "/registry/example.com/boats/"),
    ],
)  # fmt: skip
def test_storage_keys_are_upstreams(resource: Resource, prefix: str) -> None:
    assert resource.storage_prefix == prefix


def test_paths() -> None:
    assert scheme.PODS.path() == "/api/v1/pods"
    assert scheme.PODS.path("ns", "a", "log") == "/api/v1/namespaces/ns/pods/a/log"
    assert scheme.NODES.path("ignored", "n") == "/api/v1/nodes/n"
    assert scheme.DEPLOYMENTS.path("ns") == "/apis/apps/v1/namespaces/ns/deployments"


def test_subresources_know_what_they_speak() -> None:
    scale = subresource_of(scheme.DEPLOYMENTS, "scale")
    assert scale is not None
    assert (scale.group, scale.kind) == ("autoscaling", "Scale")
    status = subresource_of(scheme.PODS, "status")
    assert status is not None
    assert (status.kind, status.verbs) == ("Pod", ("get", "patch", "update"))
    assert subresource_of(scheme.CONFIG_MAPS, "status") is None
