"""Discovery with what others serve, and who asks as others are told."""

from __future__ import annotations

from apimachinery.objects import Object
from apiserver.aggregation.connections import user_headers
from apiserver.aggregation.discovery import resources_of, with_groups, with_resources
from apiserver.aggregation.remotes import Remote, Server
from apiserver.discovery.plain import api_group
from apiserver.request import UserInfo

SERVER = Server("ns", "svc", 443, b"", is_verified=True)


def remote(group: str, version: str, priority: int = 100, order: int = 10, *, up: bool = True) -> Remote:
    return Remote(f"{version}.{group}", group, version, priority, order, SERVER, up)


METRICS = remote("metrics.k8s.io", "v1beta1")
TOLD: Object = {
    "resources": [
        {
            "name": "pods",
            "kind": "PodMetrics",
            "namespaced": True,
            "singularName": "",
            "verbs": ["list", "get"],
        },
        {"name": "pods/scale", "kind": "Scale", "group": "autoscaling", "version": "v1", "verbs": ["get"]},
    ]
}


def test_groups_stand_where_their_priority_puts_them() -> None:
    own = [api_group("apps", ["v1"]), api_group("example.com", ["v1"])]
    others = [METRICS, remote("early.io", "v1", 17900), remote("example.com", "v2", order=200)]
    found = with_groups(own, others)
    assert [each["name"] for each in found] == ["early.io", "apps", "example.com", "metrics.k8s.io"]
    assert [each["version"] for each in found[2]["versions"]] == ["v1", "v2"]
    assert found[3]["preferredVersion"]["groupVersion"] == "metrics.k8s.io/v1beta1"


def test_resources_are_told_as_the_aggregated_form_has_them() -> None:
    kind = {"group": "metrics.k8s.io", "version": "v1beta1", "kind": "PodMetrics"}
    scale = {"group": "autoscaling", "version": "v1", "kind": "Scale"}
    assert resources_of(TOLD, METRICS) == [
        {
            "resource": "pods",
            "responseKind": kind,
            "scope": "Namespaced",
            "singularResource": "",
            "verbs": ["get", "list"],
            "subresources": [{"subresource": "scale", "responseKind": scale, "verbs": ["get"]}],
        }
    ]


def test_what_does_not_answer_is_stale() -> None:
    down = remote("metrics.k8s.io", "v1beta1", up=False)
    told = {("metrics.k8s.io", "v1beta1"): TOLD}

    def versions(of: Remote, told: dict[tuple[str, str], Object]) -> list[Object]:
        found: list[Object] = with_resources([], [of], told)[0]["versions"]
        return found

    assert versions(METRICS, told)[0]["freshness"] == "Current"
    assert versions(down, told)[0]["freshness"] == "Stale"
    assert versions(down, {}) == [{"version": "v1beta1", "freshness": "Stale"}]


def test_users_are_named_in_headers() -> None:
    user = UserInfo("ann", "7", ("a", "b"), {"example.com/Where": ("x", "y")})
    assert user_headers(user) == [
        ("x-remote-user", "ann"),
        ("x-remote-uid", "7"),
        ("x-remote-group", "a"),
        ("x-remote-group", "b"),
        ("x-remote-extra-example.com%2Fwhere", "x"),
        ("x-remote-extra-example.com%2Fwhere", "y"),
    ]
