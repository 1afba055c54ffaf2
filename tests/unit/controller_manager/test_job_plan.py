"""What a Job decides, does and counts, as tables."""

from datetime import timedelta
from typing import Any

import pytest

from apimachinery.objects import Object, annotations_of, labels_of, name_of
from controller_manager.job.backoff import Failures, remaining_of_index
from controller_manager.job.indexes import Indexes
from controller_manager.job.observed import Observed, observe
from controller_manager.job.plan import Verdict, is_complete, plan_pods, verdict_on
from controller_manager.job.pods import FAILURES, FINALIZER, INDEX, finished_at, new_pod
from controller_manager.job.policies import meaning_of, met_success_policy
from controller_manager.job.status import with_condition, with_final, with_interim, with_suspension
from controller_manager.job.tally import settle, tally
from tests.unit.controller_manager.builders import NOW, ago, make_job, make_pod

INDEXED = {"completionMode": "Indexed"}
PER_INDEX = {**INDEXED, "backoffLimitPerIndex": 1, "backoffLimit": 2**31 - 1}
OLD = {"podReplacementPolicy": "Failed"}


@pytest.mark.parametrize(
    ("text", "shown", "count"),
    [
        ("", "", 0),
        ("3", "3", 1),
        ("1,2", "1,2", 2),
        ("1-2,3,7-9", "1-3,7-9", 6),
        ("0-99", "0-9", 10),
        ("5,x,12", "5", 1),
        ("8-20", "8,9", 2),
    ],
)
def test_indexes_are_read_and_written_in_short(text: str, shown: str, count: int) -> None:
    found = Indexes.parse(text, 10)
    assert (str(found), len(found)) == (shown, count)


def test_sets_of_indexes() -> None:
    one, other = Indexes.parse("0-3,8", 20), Indexes.of([9, 2, 4, 9])
    assert str(one | other) == "0-4,8,9"
    assert str(one & other) == "2"
    assert list(one.missing(7)) == [4, 5, 6]
    assert [index for index in range(10) if index in one] == [0, 1, 2, 3, 8]


def pods(text: str) -> list[Object]:
    """`a b+ c! d.! e.x 2:f`: `+` succeeded, `!` failed, `x` being deleted, `.` no longer tracked, index."""
    return [_pod(word) for word in text.split()]


def _pod(word: str) -> Object:
    index, _, rest = word.rpartition(":")
    name = rest.rstrip("+!x.?0123456789")
    phase = "Succeeded" if "+" in rest else "Failed" if "!" in rest else "Running"
    pod = make_pod(name, phase=phase, ready=3600 if phase == "Running" else None)
    pod["metadata"]["finalizers"] = [] if "." in rest else [FINALIZER]
    if "x" in rest:
        pod["metadata"]["deletionTimestamp"] = ago(1)
    if index:
        pod["metadata"]["annotations"] = {INDEX: index, FAILURES: rest[len(name) :].strip("+!x.?") or "0"}
    return pod


def seen(job: dict[str, Any], text: str) -> Observed:
    return observe(make_job(**job), pods(text), NOW)


@pytest.mark.parametrize(
    ("job", "text", "plan"),
    [
        ({}, "", "create=None,None"),
        ({}, "a", "create=None"),
        ({}, "a b", ""),
        ({}, "a+ b+ c", ""),
        ({}, "a+ b+", "create=None"),
        ({"parallelism": 0}, "a b", "delete=a,b"),
        ({"completions": None}, "a+ b", ""),
        ({"completions": None}, "a! b", "create=None"),
        ({"parallelism": 1}, "a ax", ""),
        ({"parallelism": 1}, "ax", "create=None"),
        ({"parallelism": 1, **OLD}, "ax", ""),
        ({"parallelism": 1, **OLD}, "ax!", "create=None"),
        ({"suspend": True}, "a b+", "delete=a"),
        ({"completions": 9, "status": {"succeeded": 8}}, "", "create=None"),
        ({"completions": 1000, "parallelism": 1000}, "", "create=" + ",".join(["None"] * 500)),
        # with indexes
        (INDEXED, "", "create=0,1"),
        (INDEXED, "1:a", "create=0"),
        (INDEXED, "0:a+ 1:b", "create=2"),
        ({**INDEXED, "status": {"completedIndexes": "0,1"}}, "", "create=2"),
        (INDEXED, "0:a 0:b", "delete=a"),
        (INDEXED, "0:a y", "delete=y"),
        (INDEXED, "0:a 7:b", "delete=b"),
        ({**INDEXED, **OLD}, "0:ax", "create=1"),
        # with a limit for each index
        (PER_INDEX, "0:a", "create=1"),
        (PER_INDEX, "0:a 1:b1!", "create=2"),
        (PER_INDEX, "0:a 1:b0!", "wait=10"),
    ],
)
def test_pods_to_make_and_delete(job: dict[str, Any], text: str, plan: str) -> None:
    assert repr(plan_pods(seen(job, text), 0.0)) == plan


def test_a_job_waits_after_failures_unless_each_index_waits_by_itself() -> None:
    assert repr(plan_pods(seen({}, "a!"), 7.0)) == "wait=7"
    assert repr(plan_pods(seen(PER_INDEX, "0:a0!"), 7.0)) == "create=1 wait=10"


UNCOUNTED = {"uncountedTerminatedPods": {"failed": ["z"]}}
DEADLINE = {"activeDeadlineSeconds": 60}
OTHERS = {"onExitCodes": {"operator": "NotIn", "values": [42]}, "action": "Ignore"}
EXIT = {"onExitCodes": {"operator": "In", "values": [42]}, "action": "FailJob"}


def ended(code: int, **condition: str) -> Object:
    pod = _pod("a!")
    pod["status"]["containerStatuses"] = [{"name": "c", "state": {"terminated": {"exitCode": code}}}]
    pod["status"]["conditions"] = [condition] if condition else []
    return pod


@pytest.mark.parametrize(
    ("job", "text", "reason"),
    [
        ({}, "a b+", None),
        ({"backoffLimit": 1}, "a!", None),
        ({"backoffLimit": 1}, "a! b!", "BackoffLimitExceeded"),
        ({"backoffLimit": 1}, "a! bx", "BackoffLimitExceeded"),
        ({"backoffLimit": 1, **OLD}, "a! bx", None),
        ({"backoffLimit": 0, "status": {"failed": 1}}, "", "BackoffLimitExceeded"),
        ({"backoffLimit": 0, "status": UNCOUNTED}, "", "BackoffLimitExceeded"),
        ({**DEADLINE, "status": {"startTime": ago(59)}}, "a", None),
        ({**DEADLINE, "status": {"startTime": ago(60)}}, "a", "DeadlineExceeded"),
        ({**DEADLINE, "suspend": True, "status": {"startTime": ago(99)}}, "a", None),
        (PER_INDEX, "0:a0!", None),
        (PER_INDEX, "0:a1! 1:b+ 2:c", None),
        (PER_INDEX, "0:a1! 1:b+ 2:c+", "FailedIndexes"),
        ({**PER_INDEX, "maxFailedIndexes": 1}, "0:a1! 1:b", None),
        ({**PER_INDEX, "maxFailedIndexes": 1}, "0:a1! 1:b1!", "MaxFailedIndexesExceeded"),
        ({**INDEXED, "successPolicy": {"rules": [{"succeededCount": 1}]}}, "0:a 2:b+", "SuccessPolicy"),
    ],
)  # fmt: skip
def test_verdicts(job: dict[str, Any], text: str, reason: str | None) -> None:
    found = verdict_on(seen(job, text))
    assert (found.reason if found else None) == reason


@pytest.mark.parametrize(
    ("limit", "restarts", "is_over"), [(2, 1, False), (2, 2, True), (0, 0, False), (0, 1, True)]
)
def test_restarts_in_a_pod_count_as_failures(limit: int, restarts: int, is_over: bool) -> None:
    job = make_job(backoffLimit=limit, restartPolicy="OnFailure")
    it = observe(job, [make_pod("a", restarts=restarts)], NOW)
    assert (verdict_on(it) is not None) == is_over


def test_a_verdict_stands_whatever_happens_later() -> None:
    verdict = Verdict(False, "DeadlineExceeded", "late")
    status = with_interim({}, verdict, NOW)
    assert verdict_on(seen({"status": status}, "a+ b+ c+")) == verdict
    assert [each["type"] for each in with_final(status, verdict, NOW)["conditions"]] == [
        "FailureTarget",
        "Failed",
    ]


@pytest.mark.parametrize(
    ("job", "text", "active", "done"),
    [
        ({}, "a+ b+ c+", 0, True),
        ({}, "a+ b+ c", 1, False),
        ({"completions": None}, "a+", 0, True),
        ({"completions": None}, "a+ b", 1, False),
        ({"completions": 0}, "", 0, True),
        (INDEXED, "0:a+ 0:b+ 1:c+", 0, False),
    ],
)
def test_completion(job: dict[str, Any], text: str, active: int, done: bool) -> None:
    assert is_complete(seen(job, text), active) == done


@pytest.mark.parametrize(
    ("rule", "pod", "meaning"),
    [
        (
            EXIT, ended(42),
            "F:Container c for pod ns/a failed with exit code 42 matching FailJob rule at index 0",
        ),
        (EXIT, ended(1), "counts"),
        ({**EXIT, "action": "Ignore"}, ended(42), "ignored"),
        ({**EXIT, "action": "FailIndex"}, ended(42), "fails index"),
        ({**EXIT, "action": "Count"}, ended(42), "counts"),
        (OTHERS, ended(0), "counts"),
        (OTHERS, ended(3), "ignored"),
        ({**EXIT, "onExitCodes": {**EXIT["onExitCodes"], "containerName": "d"}}, ended(42), "counts"),
        (
            {"onPodConditions": [{"type": "DisruptionTarget"}], "action": "FailJob"},
            ended(1, type="DisruptionTarget", status="True"),
            "F:Pod ns/a has condition DisruptionTarget matching FailJob rule at index 0",
        ),
        (
            {"onPodConditions": [{"type": "DisruptionTarget", "status": "False"}], "action": "Ignore"},
            ended(1, type="DisruptionTarget", status="True"), "counts",
        ),
    ],
)  # fmt: skip
def test_what_the_end_of_a_pod_means(rule: Object, pod: Object, meaning: str) -> None:
    found = meaning_of(make_job(podFailurePolicy={"rules": [rule]}), pod)
    told = "fails index" if found.fails_index else "counts" if found.counts else "ignored"
    assert (f"F:{found.fails_job}" if found.fails_job else told) == meaning


@pytest.mark.parametrize(
    ("rules", "succeeded", "index"),
    [
        ([{"succeededCount": 3}], "0,1", None),
        ([{"succeededCount": 2}], "0,1", 0),
        ([{"succeededIndexes": "0-2"}], "0,1", None),
        ([{"succeededIndexes": "0-2"}, {"succeededIndexes": "1"}], "0,1", 1),
        ([{"succeededIndexes": "0-2", "succeededCount": 1}], "2", 0),
    ],
)
def test_success_policies(rules: list[Object], succeeded: str, index: int | None) -> None:
    job = make_job(9, successPolicy={"rules": rules}, **INDEXED)
    found = met_success_policy(job, Indexes.parse(succeeded, 9))
    assert found == ("" if index is None else f"Matched rules at index {index}")


def test_an_indexed_pod_knows_its_index_and_how_many_failed_before_it() -> None:
    pod = new_pod(make_job(**PER_INDEX), 7, (2, 1))
    assert pod["metadata"]["generateName"] == "job-7-"
    assert pod["metadata"]["finalizers"] == [FINALIZER]
    assert labels_of(pod) == {"app": "job", INDEX: "7"}
    assert annotations_of(pod) == {
        INDEX: "7",
        FAILURES: "2",
        "batch.kubernetes.io/job-index-ignored-failure-count": "1",
    }
    assert pod["spec"]["hostname"] == "job-7"
    [variable] = pod["spec"]["containers"][0]["env"]
    assert variable["valueFrom"]["fieldRef"]["fieldPath"] == f"metadata.labels['{INDEX}']"
    job = make_job(**INDEXED)
    job["metadata"]["name"] = "x" * 63
    assert new_pod(job, 12)["metadata"]["generateName"] == "x" * 54 + "-12-"


def test_failures_are_waited_for_longer_and_longer_until_a_success() -> None:
    def failed(seconds: float) -> Object:
        pod = _pod("a!")
        pod["status"]["containerStatuses"] = [{"state": {"terminated": {"finishedAt": ago(seconds)}}}]
        return pod

    first = Failures().after([], [failed(4)])
    assert first.remaining(NOW) == 6
    third = first.after([], [failed(3), failed(2)])
    assert (third.count, third.remaining(NOW)) == (3, 38)
    assert third.after([failed(1)], []).remaining(NOW) == 0
    assert third.after([failed(3)], [failed(4), failed(1)]).remaining(NOW) == 9
    assert Failures(99, NOW).remaining(NOW) == 600
    pod = failed(5)
    pod["metadata"]["annotations"] = {FAILURES: "1"}
    assert (remaining_of_index(pod, NOW), remaining_of_index(None, NOW)) == (15, 0)


FAILURE = Verdict(False, "r", "m")
SUCCESS = Verdict(True, "r", "m")


@pytest.mark.parametrize(
    ("job", "text", "verdict", "status", "released"),
    [
        ({}, "a b+ c!", None, {"uncountedTerminatedPods": {"succeeded": ["b"], "failed": ["c"]}}, "b c"),
        ({}, "ax b+x", None, {"uncountedTerminatedPods": {"succeeded": ["b"], "failed": ["a"]}}, "a b"),
        (OLD, "ax b!x", None, {"uncountedTerminatedPods": {"failed": ["b"]}}, "b"),
        ({}, "b.+ c.!", None, {}, ""),
        ({}, "a b", FAILURE, {"uncountedTerminatedPods": {"failed": ["a", "b"]}}, "a b"),
        ({}, "a b+", SUCCESS, {"uncountedTerminatedPods": {"succeeded": ["b"]}}, "a b"),
        # uids whose pods are released by now turn into counts
        (
            {"status": {
                "succeeded": 5, "uncountedTerminatedPods": {"succeeded": ["b", "z"], "failed": ["y"]},
            }},
            "b+ c.+", None,
            {"succeeded": 6, "failed": 1, "uncountedTerminatedPods": {"succeeded": ["b"]}}, "b",
        ),
        # indexes count by themselves
        (INDEXED, "2:a+ 0:b+ 0:c+ 1:d!", None, {
            "succeeded": 2, "completedIndexes": "0,2", "uncountedTerminatedPods": {"failed": ["d"]},
        }, "a b c d"),
        (INDEXED, "9:a+ b!", None, {"completedIndexes": ""}, "a b"),
        # the last failed pod of an index waits for its successor
        (PER_INDEX, "0:a0! 1:b1! 2:c 2:d0!", None, {
            "completedIndexes": "", "failedIndexes": "1", "uncountedTerminatedPods": {"failed": ["b", "d"]},
        }, "b d"),
        (
            {"podFailurePolicy": {"rules": [{"onPodConditions": [{"type": "Ready", "status": "False"}],
                                             "action": "Ignore"}]}},
            "a!", None, {}, "a",
        ),
    ],
)  # fmt: skip
def test_each_ended_pod_is_counted_once(
    job: dict[str, Any], text: str, verdict: Verdict | None, status: Object, released: str
) -> None:
    it = seen(job, text)
    found = tally(it, it.job["status"], verdict)
    assert found.status == {"succeeded": 0, "failed": 0, "uncountedTerminatedPods": {}, **status}
    assert sorted(map(name_of, found.release)) == released.split()


def test_no_more_than_500_are_counted_at_a_time() -> None:
    job = make_job(1000)
    many = [
        {**_pod("a+"), "metadata": {"uid": str(i), "name": str(i), "finalizers": [FINALIZER]}}
        for i in range(700)
    ]
    found = tally(observe(job, many, NOW), {}, None)
    assert (len(found.release), found.is_all) == (500, False)
    assert settle(found.status, set())["succeeded"] == 500


def test_a_job_that_is_resumed_starts_anew() -> None:
    paused = with_suspension(seen({"suspend": True}, ""), {})
    assert paused["conditions"][0] | {"status": "True", "reason": "JobSuspended"} == paused["conditions"][0]
    assert with_suspension(seen({}, ""), {}) == {}
    resumed = with_suspension(seen({}, ""), {**paused, "startTime": "before"})
    assert resumed["startTime"] == ago(0)
    assert resumed["conditions"][0]["reason"] == "JobResumed"
    assert with_condition(resumed, "Suspended", "False", "JobResumed", "Job resumed", NOW) is resumed


def test_a_pod_has_finished_when_its_last_sidecar_has() -> None:
    def ended(name: str, seconds: float) -> Object:
        return {"name": name, "state": {"terminated": {"finishedAt": ago(seconds)}}}

    pod = make_pod("a", phase="Failed")
    pod["spec"]["initContainers"] = [{"name": "init"}, {"name": "proxy", "restartPolicy": "Always"}]
    pod["status"] |= {
        "containerStatuses": [ended("c", 20)],
        "initContainerStatuses": [ended("init", 5), ended("proxy", 10)],
    }
    assert finished_at(pod) == NOW - timedelta(seconds=10)
