"""Namespaces that go: what their conditions say meanwhile."""

import pytest

from apimachinery.objects import Object
from apimachinery.scheme import CONFIG_MAPS, DEPLOYMENTS
from controller_manager.namespace import Content, content_conditions

FINE = {
    "NamespaceDeletionDiscoveryFailure": "ResourcesDiscovered: All resources successfully discovered",
    "NamespaceDeletionGroupVersionParsingFailure": (
        "ParsedGroupVersions: All legacy kube types successfully parsed"
    ),
    "NamespaceDeletionContentFailure": (
        "ContentDeleted: All content successfully deleted, may be waiting on finalization"
    ),
    "NamespaceContentRemaining": "ContentRemoved: All content successfully removed",
    "NamespaceFinalizersRemaining": "ContentHasNoFinalizers: All content-preserving finalizers finished",
}


def left(*finalizers: str) -> Object:
    return {"metadata": {"finalizers": list(finalizers)}}


def content(*failures: str, **remaining: list[Object]) -> Content:
    found = Content(failures=list(failures))
    for resource in (CONFIG_MAPS, DEPLOYMENTS):
        found.add(resource, remaining.get(resource.plural, []))
    return found


@pytest.mark.parametrize(
    ("found", "troubles"),
    [
        pytest.param(content(), {}, id="nothing is left"),
        pytest.param(
            content(configmaps=[left("a/b"), left()], deployments=[left("a/b", "c/d")]),
            {
                "NamespaceContentRemaining": (
                    "SomeResourcesRemain: Some resources are remaining: "
                    "configmaps. has 2 resource instances, deployments.apps has 1 resource instances"
                ),
                "NamespaceFinalizersRemaining": (
                    "SomeFinalizersRemain: Some content in the namespace has finalizers remaining: "
                    "a/b in 2 resource instances, c/d in 1 resource instances"
                ),
            },
            id="some have finalizers",
        ),
        pytest.param(
            content("no", "never"),
            {
                "NamespaceDeletionContentFailure": (
                    "ContentDeletionFailed: Failed to delete all resource types, 2 remaining: no, never"
                )
            },
            id="some cannot be deleted",
        ),
    ],
)
def test_conditions_tell_what_holds_a_namespace_up(found: Content, troubles: dict[str, str]) -> None:
    told = {each["type"]: f"{each['reason']}: {each['message']}" for each in content_conditions(found)}
    assert told == FINE | troubles
    held_up = {each["type"] for each in content_conditions(found) if each["status"] == "True"}
    assert held_up == set(troubles)
