"""What may change in a pod that exists."""

from __future__ import annotations

import pytest

from apimachinery import scheme
from apimachinery.objects import Object, deep_copy
from tests.unit.apiserver.strategies.objects import container, created, pod, strategy, through, update_errors

FIXED = "spec: Forbidden: pod updates may not change fields other than"
TOLERATION = {"key": "a", "operator": "Exists"}
GATE = {"name": "example.com/g"}


def term(*keys: str) -> Object:
    expressions = [{"key": key, "operator": "Exists"} for key in keys]
    return {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": expressions}]
            }
        }
    }


@pytest.mark.parametrize(
    ("old", "new", "begins"),
    [
        pytest.param({}, {"containers": [container(image="b:2")]}, None, id="an image may change"),
        pytest.param({}, {"containers": [container(command=["x"])]}, FIXED, id="a command may not"),
        pytest.param(
            {},
            {"containers": [container(), container("d")]},
            "spec.containers: Forbidden: pod updates may not add or remove containers",
            id="no more containers",
        ),
        pytest.param({}, {"activeDeadlineSeconds": 5}, None, id="a deadline may be set"),
        pytest.param(
            {"activeDeadlineSeconds": 5},
            {"activeDeadlineSeconds": 6},
            "spec.activeDeadlineSeconds: Invalid value: 6: must be less than or equal to previous value",
            id="a deadline may not move away",
        ),
        pytest.param({}, {"tolerations": [TOLERATION]}, None, id="tolerations may be added"),
        pytest.param(
            {"tolerations": [TOLERATION]},
            {"tolerations": []},
            "spec.tolerations: Forbidden: existing toleration can not be modified",
            id="tolerations may not go",
        ),
        pytest.param({"schedulingGates": [GATE]}, {"schedulingGates": []}, None, id="gates may go"),
        pytest.param(
            {},
            {"schedulingGates": [GATE]},
            "spec.schedulingGates[0].name: Forbidden: only deletion is allowed",
            id="gates may not come",
        ),
        pytest.param(
            {"schedulingGates": [GATE]},
            {"schedulingGates": [GATE], "nodeSelector": {"a": "b"}, "affinity": term("zone")},
            None,
            id="a gated pod may choose fewer nodes",
        ),
        pytest.param({}, {"nodeSelector": {"a": "b"}}, FIXED, id="another may not"),
    ],
)
def test_specs(old: Object, new: Object, begins: str | None) -> None:
    found = update_errors(scheme.PODS, pod(**old), pod(**new))
    assert len(found) == (begins is not None)
    assert begins is None or found[0].startswith(begins)


def test_a_restored_default_is_no_change() -> None:
    stored = created(scheme.PODS, pod())
    stored["spec"]["nodeSelector"] = {}
    assert update_errors(scheme.PODS, pod(), stored) == []


def test_debug_containers_come_through_their_own_door_only() -> None:
    changed, errors = through(
        "ephemeralcontainers", pod(), ephemeralContainers=[container("debug")], hostPID=True
    )
    assert errors == []
    assert [each["name"] for each in changed["spec"]["ephemeralContainers"]] == ["debug"]
    assert "hostPID" not in changed["spec"]


@pytest.mark.parametrize(
    ("policy", "exit_code", "refused"),
    [("Always", 0, False), ("OnFailure", 1, False), ("OnFailure", 0, True), ("Never", 1, True)],
)
def test_what_has_ended_for_good_stays_ended(policy: str, exit_code: int, refused: bool) -> None:
    assert refuses(pod(restartPolicy=policy), exit_code) == refused


def test_what_its_own_rules_restart_has_not_ended_for_good() -> None:
    rules = [{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}]
    ruled = container(restartPolicy="Never", restartPolicyRules=rules)
    assert not refuses(pod(restartPolicy="Never", containers=[ruled]), 42)
    assert refuses(pod(restartPolicy="Never", containers=[ruled]), 1)


def refuses(obj: Object, exit_code: int) -> bool:
    """Whether a container of the pod that has ended so may not run again."""
    ended = {"name": "c", "state": {"terminated": {"exitCode": exit_code}}}
    old = created(scheme.PODS, obj)
    old["status"]["containerStatuses"] = [ended]
    new = deep_copy(old)
    new["status"]["containerStatuses"] = [{"name": "c", "state": {"running": {}}}]
    return bool(strategy(scheme.PODS).validate_status_update(new, old))


def test_who_knows_of_no_observed_generation_takes_none_away() -> None:
    ready, other = {"type": "Ready", "status": "True"}, {"type": "example.com/x", "status": "False"}
    old = pod() | {"status": {"observedGeneration": 3, "conditions": [{**ready, "observedGeneration": 2}]}}
    new = pod() | {"status": {"conditions": [dict(other), dict(ready)]}}
    strategy(scheme.PODS).prepare_for_status_update(new, old)
    assert new["status"]["observedGeneration"] == 3
    assert new["status"]["conditions"] == [other, {**ready, "observedGeneration": 2}]
