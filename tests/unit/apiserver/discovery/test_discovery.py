"""The documents of discovery."""

from __future__ import annotations

from dataclasses import replace

import pytest

from apimachinery.scheme import CONFIG_MAPS, DEPLOYMENTS, HORIZONTAL_POD_AUTOSCALERS, PODS, SERVICE_ACCOUNTS
from apiserver.discovery import aggregated, plain
from apiserver.discovery.served import Served

V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
PROTOBUF_V2 = V2.replace("json", "vnd.kubernetes.protobuf")
V2BETA1 = V2.replace("v=v2", "v=v2beta1")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (f"{V2},{V2BETA1},application/json", ("json", "v2")),
        (f"{V2BETA1},application/json", ("json", "v2beta1")),
        (f"application/json,{V2};q=0.1", ("json", "v2")),
        (f"{PROTOBUF_V2},{V2}", ("protobuf", "v2")),
        ("application/json", None),
        ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", None),
        ("", None),
    ],
)
def test_the_aggregated_form_is_negotiated(accept: str, expected: tuple[str, str] | None) -> None:
    assert aggregated.wanted(accept) == expected


def test_a_subresource_says_its_group_only_if_it_is_another() -> None:
    entries = {each["name"]: each for each in plain.api_resource_list("apps/v1", [DEPLOYMENTS])["resources"]}
    scale = entries["deployments/scale"]
    assert (scale["group"], scale["version"], scale["kind"]) == ("autoscaling", "v1", "Scale")
    assert "group" not in entries["deployments/status"]
    assert entries["deployments"]["shortNames"] == ["deploy"]


def test_core_is_no_named_group() -> None:
    assert list(plain.group_versions([PODS, DEPLOYMENTS])) == ["apps"]


def test_the_preferred_version_comes_first() -> None:
    groups = plain.api_group_list(Served().resources())["groups"]
    autoscaling = next(each for each in groups if each["name"] == "autoscaling")
    assert autoscaling["preferredVersion"]["version"] == HORIZONTAL_POD_AUTOSCALERS.version == "v2"
    assert [each["version"] for each in autoscaling["versions"]] == ["v2", "v1"]


def test_subresources_are_inside_their_resource_in_the_aggregated_form() -> None:
    document = aggregated.group_discovery_list("v2", [SERVICE_ACCOUNTS])
    (resource,) = document["items"][0]["versions"][0]["resources"]
    token = {"group": "authentication.k8s.io", "version": "v1", "kind": "TokenRequest"}
    assert resource["subresources"] == [{"subresource": "token", "responseKind": token, "verbs": ["create"]}]


def test_built_in_kinds_do_not_say_again_where_they_are() -> None:
    custom = replace(DEPLOYMENTS, group="example.com")
    groups = aggregated.group_discovery_list("v2", [DEPLOYMENTS, custom])["items"]
    assert [each["metadata"] for each in groups] == [{"name": "apps"}, {"name": "example.com"}]
    resources = [each["versions"][0]["resources"][0] for each in groups]
    assert [each["responseKind"] for each in resources] == [
        {"group": "", "version": "", "kind": "Deployment"},
        {"group": "example.com", "version": "v1", "kind": "Deployment"},
    ]


def test_a_kind_has_upstreams_hash_of_its_storage_version() -> None:
    assert plain.storage_version_hash(CONFIG_MAPS) == "qFsyl6wFWjQ="
    assert plain.storage_version_hash(DEPLOYMENTS) == "8aSe+NMegvE="
