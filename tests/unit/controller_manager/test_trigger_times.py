"""Since when endpoints are due to change."""

from apimachinery.objects import NamespacedName, Object
from controller_manager.trigger_times import TriggerTimes, triggered

SERVICE: Object = {
    "metadata": {"name": "web", "namespace": "ns", "creationTimestamp": "2026-01-01T00:00:00Z"}
}


def pod(name: str, second: str) -> Object:
    ready = [{"type": "Ready", "lastTransitionTime": f"2026-01-01T00:00:{second}Z"}] if second else []
    return {"metadata": {"name": name}, "status": {"conditions": ready}}


def test_the_earliest_of_what_is_new_counts() -> None:
    times = TriggerTimes()
    steps = [
        ([pod("a", "05")], "00Z", "a new Service counts from when it was made"),
        ([pod("a", "05")], "", "nothing is new"),
        ([pod("a", "05"), pod("b", "09"), pod("c", "07")], "07Z", "two pods are new"),
        ([pod("a", "05"), pod("b", "09")], "", "a pod that has gone is no time"),
        (
            [pod("a", "12"), pod("b", "09"), pod("d", "")],
            "12Z",
            "one has changed, another is not known of yet",
        ),
    ]
    for pods, expected, why in steps:
        assert times.changed(SERVICE, pods)[-3:] == expected, why


def test_a_service_that_was_gone_is_new() -> None:
    times = TriggerTimes()
    for _ in range(2):
        assert times.changed(SERVICE, []) == "2026-01-01T00:00:00Z"
        assert times.changed(SERVICE, []) == ""
        times.forget(NamespacedName("ns", "web"))


def test_an_old_time_is_not_left_behind() -> None:
    noted = triggered({"metadata": {"annotations": {"a": "b"}}}, "2026-01-01T00:00:00Z")
    assert len(noted["metadata"]["annotations"]) == 2
    assert triggered(noted, "") == {"metadata": {"annotations": {"a": "b"}}}
