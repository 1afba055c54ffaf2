"""Which pods a pod is spread over when it says nothing itself."""

from __future__ import annotations

from apimachinery.objects import NamespacedName, Object, key_of, owner_reference
from scheduler.default_selector import DefaultSelectors
from scheduler.pod_info import parse_pod
from tests.unit.scheduler.builders import make_pod


class Objects:
    def __init__(self, *objects: Object) -> None:
        self.objects = list(objects)

    def get(self, key: NamespacedName) -> Object | None:
        return next((each for each in self.objects if key_of(each) == key), None)

    def list(self, namespace: str | None = None) -> list[Object]:
        return [each for each in self.objects if each["metadata"]["namespace"] == namespace]


def thing(kind: str, name: str, selector: Object, namespace: str = "default") -> Object:
    return {
        "apiVersion": "apps/v1", "kind": kind, "spec": {"selector": selector},
        "metadata": {"name": name, "namespace": namespace, "uid": name},
    }  # fmt: skip


SET = thing("ReplicaSet", "rs", {"matchLabels": {"hash": "1"}})
SERVICES = Objects(
    thing("Service", "mine", {"app": "a"}),
    thing("Service", "other", {"app": "b"}),
    thing("Service", "elsewhere", {"hash": "1"}, "other"),
)


def test_services_and_the_controller_count_together() -> None:
    selectors = DefaultSelectors(SERVICES, {"ReplicaSet": Objects(SET)})
    metadata = {"ownerReferences": [owner_reference(SET)]}
    pod = parse_pod(make_pod("p", labels={"app": "a", "hash": "1"}, metadata=metadata))
    assert str(selectors(pod)) == "app=a,hash=1"


def test_a_pod_of_nobody_is_not_spread() -> None:
    selectors = DefaultSelectors(SERVICES, {})
    assert selectors(parse_pod(make_pod("p", labels={"app": "c"}))) is None


def test_what_is_remembered_is_forgotten_when_a_service_changes() -> None:
    services = Objects()
    selectors = DefaultSelectors(services, {})
    pod = parse_pod(make_pod("p", labels={"app": "a"}))
    assert selectors(pod) is None
    services.objects.append(thing("Service", "new", {"app": "a"}))
    assert selectors(pod) is None
    selectors.forget()
    assert str(selectors(pod)) == "app=a"
