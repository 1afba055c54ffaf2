"""Controllers: replicas, selectors, templates, strategies."""

from __future__ import annotations

from typing import Any

import pytest

from apimachinery import scheme
from apimachinery.objects import Object, annotations_of, deep_copy, get_path, labels_of
from apimachinery.scheme import Resource
from tests.unit.apiserver.strategies.objects import (
    NOW,
    created,
    deployment,
    errors_of,
    make,
    strategy,
    template,
    update_errors,
)

SELECTOR = {"matchLabels": {"app": "a"}}
MISMATCH = (
    'spec.template.metadata.labels: Invalid value: {"app":"b"}: `selector` does not match template `labels`'
)


CODES = {"operator": "In", "values": [5, 0, 5], "containerName": "x"}


def workload(resource: Resource, **spec: Any) -> Object:
    selector: Any = {"app": "a"} if resource is scheme.REPLICATION_CONTROLLERS else SELECTOR
    return make(resource, spec={"selector": selector, "template": template(), **spec})


def job(**spec: Any) -> Object:
    return make(scheme.JOBS, spec={"template": template(restartPolicy="Never"), **spec})


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param(
            {},
            {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
            id="nothing said",
        ),
        pytest.param(
            {"strategy": {"rollingUpdate": {"maxSurge": 0}}},
            {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": 0}},
            id="zero means zero",
        ),
        pytest.param({"strategy": {"type": "Recreate"}}, {"type": "Recreate"}, id="recreate"),
    ],
)
def test_a_deployment_rolls_by_quarters(spec: Object, expected: Object) -> None:
    assert created(scheme.DEPLOYMENTS, deployment(**spec))["spec"]["strategy"] == expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param(
            {"replicas": -1},
            ["spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
            id="replicas",
        ),
        pytest.param({"template": template({"app": "b"})}, [MISMATCH], id="a selector of other pods"),
        pytest.param(
            {"selector": {}},
            ["spec.selector: Invalid value: {}: empty selector is invalid for deployment"],
            id="a selector of everything",
        ),
        pytest.param(
            {"template": template(restartPolicy="Never")},
            ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
            id="pods that end",
        ),
        pytest.param(
            {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}},
            [
                "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: "
                "may not be 0 when `maxSurge` is 0"
            ],
            id="a roll that cannot move",
        ),
        pytest.param(
            {"minReadySeconds": 10, "progressDeadlineSeconds": 10},
            ["spec.progressDeadlineSeconds: Invalid value: 10: must be greater than minReadySeconds"],
            id="a deadline before it can be ready",
        ),
    ],
)
def test_deployments(spec: Object, expected: list[str]) -> None:
    assert errors_of(scheme.DEPLOYMENTS, deployment(**spec)) == expected


@pytest.mark.parametrize("resource", [scheme.DEPLOYMENTS, scheme.REPLICA_SETS, scheme.DAEMON_SETS])
def test_a_selector_is_for_life(resource: Resource) -> None:
    other = {"matchLabels": {"app": "a", "tier": "x"}}
    new = workload(resource, selector=other, template=template({"app": "a", "tier": "x"}))
    found = update_errors(resource, workload(resource), new)
    assert [error.partition(": ")[0] for error in found] == ["spec.selector"]
    assert found[0].endswith("field is immutable")


def test_a_stateful_set_fixes_most_of_its_spec() -> None:
    old = workload(scheme.STATEFUL_SETS)
    assert update_errors(scheme.STATEFUL_SETS, old, workload(scheme.STATEFUL_SETS, replicas=3)) == []
    changed = workload(scheme.STATEFUL_SETS, serviceName="other")
    found = update_errors(scheme.STATEFUL_SETS, old, changed)
    assert found[0].startswith(
        "spec: Forbidden: updates to statefulset spec for fields other than 'replicas'"
    )


def test_a_replication_controller_selects_what_its_template_makes() -> None:
    obj = make(scheme.REPLICATION_CONTROLLERS, spec={"template": template()})
    stored = created(scheme.REPLICATION_CONTROLLERS, obj)
    assert stored["spec"]["selector"] == labels_of(stored) == {"app": "a"}


def test_a_daemon_set_counts_its_templates() -> None:
    old = created(scheme.DAEMON_SETS, workload(scheme.DAEMON_SETS))
    same, other = deep_copy(old), deep_copy(old)
    other["spec"]["template"]["spec"]["containers"][0]["image"] = "b"
    counts = []
    for new in (old, same, other):
        if new is not old:
            strategy(scheme.DAEMON_SETS).prepare_for_update(new, old)
        counts.append(annotations_of(new)["deprecated.daemonset.template.generation"])
    assert counts == ["1", "1", "2"]


def test_a_job_selects_by_its_uid() -> None:
    stored = created(scheme.JOBS, job())
    uid = stored["metadata"]["uid"]
    assert stored["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
    assert stored["spec"]["template"]["metadata"]["labels"]["job-name"] == "a"
    assert strategy(scheme.JOBS).validate(stored) == []


@pytest.mark.parametrize("resource", [scheme.JOBS, scheme.CRON_JOBS], ids=["job", "cron job"])
@pytest.mark.parametrize(("said", "expected"), [({}, "True"), ({"status": "False"}, "False")])
def test_a_failure_policy_asks_for_conditions_that_are_true(
    resource: Resource, said: Object, expected: str
) -> None:
    rules = [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", **said}]}]
    spec = {"template": template(restartPolicy="Never"), "podFailurePolicy": {"rules": rules}}
    of_cron_job = {"schedule": "@daily", "jobTemplate": {"spec": spec}}
    obj = make(resource, spec=of_cron_job if resource is scheme.CRON_JOBS else spec)
    assert errors_of(resource, obj) == []
    strategy(resource).default(obj)
    [rule] = (get_path(obj, "spec.jobTemplate.spec") or obj["spec"])["podFailurePolicy"]["rules"]
    assert rule["onPodConditions"] == [{"type": "DisruptionTarget", "status": expected}]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param(
            {"template": template()},
            ['spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"'],
            id="a job's pods end",
        ),
        pytest.param(
            {"completionMode": "Indexed", "parallelism": 1},
            ["spec.completions: Required value: when completion mode is Indexed"],
            id="indexes need a number",
        ),
        pytest.param(
            {"selector": SELECTOR},
            None,
            id="a chosen selector is generated over",
        ),
        pytest.param(
            {"managedBy": "mine"},
            ['spec.managedBy: Invalid value: "mine": must be a domain-prefixed path (such as "acme.io/foo")'],
            id="another manager has a domain",
        ),
        pytest.param(
            {"backoffLimitPerIndex": 1, "successPolicy": {"rules": []}},
            [
                "spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode",
                'spec.successPolicy: Invalid value: {"rules":[]}: requires indexed completion mode',
            ],
            id="what needs indexes",
        ),
        pytest.param(
            {"podFailurePolicy": {"rules": [{"action": "FailIndex"}]}},
            [
                'spec.podFailurePolicy.rules[0].action: Invalid value: "FailIndex": '
                "requires the backoffLimitPerIndex to be set",
                "spec.podFailurePolicy.rules[0]: Invalid value: "
                "specifying one of OnExitCodes and OnPodConditions is required",
            ],
            id="a rule that matches nothing",
        ),
        pytest.param(
            {"podFailurePolicy": {"rules": [{"action": "Ignore", "onExitCodes": CODES}]}},
            [
                'spec.podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: "x": '
                "must be one of the container or initContainer names in the pod template",
                "spec.podFailurePolicy.rules[0].onExitCodes.values[1]: Invalid value: 0: "
                "must not be 0 for the In operator",
                "spec.podFailurePolicy.rules[0].onExitCodes.values[2]: Duplicate value: 5",
                "spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [5,0,5]: must be ordered",
            ],
            id="exit codes",
        ),
        pytest.param(
            {"podFailurePolicy": {"rules": []}, "podReplacementPolicy": "TerminatingOrFailed"},
            [
                'spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": '
                'supported values: "Failed"'
            ],
            id="with a failure policy pods are replaced when they have failed",
        ),
        pytest.param(
            {
                "completionMode": "Indexed",
                "completions": 5,
                "successPolicy": {"rules": [{"succeededIndexes": "0-2,2", "succeededCount": 9}, {}]},
            },
            [
                'spec.successPolicy.rules[0].succeededIndexes: Invalid value: "0-2,2": '
                "error parsing succeededIndexes: non-increasing order, previous: 2, current: 2",
                "spec.successPolicy.rules[0].succeededCount: Invalid value: 9: "
                "must be less than or equal to 5 (the number of specified completions)",
                "spec.successPolicy.rules[0].succeededCount: Invalid value: 9: must be less than or equal "
                "to 0 (the number of indexes in the specified succeededIndexes field)",
                "spec.successPolicy.rules[1]: Required value: "
                "at least one of succeededCount or succeededIndexes must be specified",
            ],
            id="success policies",
        ),
    ],
)
def test_jobs(spec: Object, expected: list[str] | None) -> None:
    assert errors_of(scheme.JOBS, job(**spec)) == (expected or [])


def with_status(*conditions: str, **status: Any) -> Object:
    true = [{"type": each, "status": "True"} for each in conditions]
    return created(scheme.JOBS, job()) | {"status": {"conditions": true, **status}}


ENDED = {"startTime": "2026-01-01T00:00:00Z", "completionTime": "2026-01-01T00:00:09Z"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({}, with_status("SuccessCriteriaMet", "Complete", **ENDED), []),
        ({}, with_status("Complete", **ENDED), ["cannot set Complete=True condition without the"]),
        ({}, with_status("FailureTarget", "Failed"), ["startTime is required for finished job"]),
        ({}, with_status(ready=2, active=1), ["cannot set more ready pods than active"]),
        ({}, with_status(completionTime=ENDED["completionTime"]), ["cannot set completionTime when there"]),
        (with_status(ready=2, active=1), with_status(ready=2, active=1, failed=1), []),
        (with_status(failed=2), with_status(failed=1), ["cannot decrease the failed counter"]),
        (
            with_status("FailureTarget"), with_status("SuccessCriteriaMet"),
            ["cannot disable the terminal FailureTarget=True condition"],
        ),
    ],
)  # fmt: skip
def test_the_status_of_a_job(old: Object, new: Object, expected: list[str]) -> None:
    found = strategy(scheme.JOBS).validate_status_update(new, old or with_status())
    assert len(found) == len(expected)
    assert all(text in error.detail for error, text in zip(found, expected, strict=True))


def test_a_suspended_job_may_still_be_told_where_to_run() -> None:
    old = created(scheme.JOBS, job(suspend=True))
    new = deep_copy(old)
    new["spec"]["template"]["spec"]["nodeSelector"] = {"disk": "ssd"}
    new["spec"]["template"]["spec"]["tolerations"] = [{"operator": "Exists"}]
    assert strategy(scheme.JOBS).validate_update(new, old) == []
    new["spec"]["template"]["spec"]["containers"][0]["image"] = "b"
    assert [error.path for error in strategy(scheme.JOBS).validate_update(new, old)] == ["spec.template"]


@pytest.mark.parametrize(
    ("rolling", "expected"),
    [({"maxUnavailable": "30%"}, []), ({"maxUnavailable": 0}, ["cannot be 0"])],
)
def test_a_stateful_set_may_update_several_pods_at_a_time(rolling: Object, expected: list[str]) -> None:
    spec = {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": rolling}}
    found = errors_of(scheme.STATEFUL_SETS, workload(scheme.STATEFUL_SETS, **spec))
    assert [error.rpartition(": ")[2] for error in found] == expected


@pytest.mark.parametrize(
    ("schedule", "wrong"),
    [
        ("*/5 * * * *", ""),
        ("0 0 1 jan mon-fri", ""),
        ("@hourly", ""),
        ("@every 1h30m", ""),
        ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
        ("60 * * * *", "end of range (60) above maximum (59): 60"),
        ("5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"),
        ("@sometimes", "unrecognized descriptor: @sometimes"),
    ],
)
def test_schedules(schedule: str, wrong: str) -> None:
    spec = {"schedule": schedule, "jobTemplate": {"spec": job()["spec"]}}
    expected = [f'spec.schedule: Invalid value: "{schedule}": {wrong}'] if wrong else []
    assert errors_of(scheme.CRON_JOBS, make(scheme.CRON_JOBS, spec=spec)) == expected


@pytest.mark.parametrize(
    ("resource", "status", "cells"),
    [
        pytest.param(
            scheme.DEPLOYMENTS, {"readyReplicas": 1, "updatedReplicas": 2}, ["1/3", 2, 0], id="deployment"
        ),
        pytest.param(scheme.REPLICA_SETS, {"replicas": 2, "readyReplicas": 1}, [3, 2, 1], id="replica set"),
        pytest.param(scheme.STATEFUL_SETS, {"readyReplicas": 1}, ["1/3"], id="stateful set"),
    ],
)
def test_table_rows(resource: Resource, status: Object, cells: list[Any]) -> None:
    stored = {**created(resource, workload(resource, replicas=3)), "status": status}
    row = strategy(resource).cells(stored, NOW)
    assert row[1 : 1 + len(cells)] == cells
    assert row[len(cells) + 2 :][:2] == ["c", "registry.example/app:1.0"]
