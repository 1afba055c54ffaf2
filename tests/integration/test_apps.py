"""StatefulSets, DaemonSets, Jobs and CronJobs, with real daemons around them and hollow nodes below."""

from __future__ import annotations

import asyncio
import subprocess
from datetime import timedelta

import pytest

from apimachinery.conditions import is_condition_true
from apimachinery.errors import ForbiddenError
from apimachinery.objects import Object, get_path, is_terminating, name_of
from apimachinery.pods import is_ready, phase_of
from apimachinery.scheme import (
    CRON_JOBS,
    DAEMON_SETS,
    JOBS,
    NAMESPACES,
    NODES,
    PERSISTENT_VOLUME_CLAIMS,
    POD_DISRUPTION_BUDGETS,
    PODS,
    RESOURCE_QUOTAS,
    SERVICE_ACCOUNTS,
    STATEFUL_SETS,
    Resource,
)
from apimachinery.times import format_time
from client.rest import STRATEGIC, Client
from component_base.clock import now
from tests.integration.plane import CONTROLLERS, LIMIT, Plane, eventually, ready_nodes

NEW_IMAGE = {"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "busybox:2"}]}}}}


def workload(kind: str, name: str, **spec: object) -> Object:
    labels = {"app": name}
    pod_spec = {"containers": [{"name": "c", "image": "busybox:1"}], "terminationGracePeriodSeconds": 1}
    return {
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name, "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod_spec},
            **spec,
        },
    }  # fmt: skip


async def of_app(client: Client, name: str, resource: Resource = PODS) -> list[Object]:
    return list((await client.list(resource, "default", label_selector=f"app={name}"))["items"])


async def ready_pods(client: Client, name: str, count: int, image: str = "busybox:1") -> list[Object]:
    """The pods, once there are just so many, all ready and of the image."""

    def is_so(found: list[Object]) -> bool:
        good = [
            pod
            for pod in found
            if is_ready(pod) and not is_terminating(pod) and pod["spec"]["containers"][0]["image"] == image
        ]
        return len(good) == len(found) == count

    return await eventually(lambda: of_app(client, name), is_so)


def kubectl(plane: Plane, *words: str) -> str:
    command = ["kubectl", f"--kubeconfig={plane.config.admin_kubeconfig}", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_the_real_kubectl_rolls_a_stateful_set_out_and_back(plane: Plane, client: Client) -> None:
    await client.create(STATEFUL_SETS, workload("StatefulSet", "db", replicas=2, serviceName="db"))
    await ready_pods(client, "db", 2)
    kubectl(plane, "set", "image", "statefulset/db", "c=busybox:2")
    assert "2 new pods have been updated" in kubectl(plane, "rollout", "status", "statefulset/db")
    await ready_pods(client, "db", 2, "busybox:2")
    kubectl(plane, "rollout", "undo", "statefulset/db")
    assert "2 new pods have been updated" in kubectl(plane, "rollout", "status", "statefulset/db")
    history = kubectl(plane, "rollout", "history", "statefulset/db").split()
    assert history[-4:] == ["2", "<none>", "3", "<none>"]
    assert sorted(map(name_of, await ready_pods(client, "db", 2))) == ["db-0", "db-1"]


async def test_a_stateful_set_goes_on_where_a_killed_manager_left_it(plane: Plane, client: Client) -> None:
    made = workload("StatefulSet", "killed", replicas=5, serviceName="killed")
    await client.create(STATEFUL_SETS, made)
    await eventually(lambda: of_app(client, "killed"), lambda found: len(found) >= 2)
    await plane.restart_leader(CONTROLLERS, client)
    await ready_pods(client, "killed", 5)
    await client.patch(STATEFUL_SETS, "killed", NEW_IMAGE, "default", patch_type=STRATEGIC)

    def has_begun(found: list[Object]) -> bool:
        """A pod may come and go between two looks."""
        return any(
            is_terminating(pod) or pod["spec"]["containers"][0]["image"] == "busybox:2" for pod in found
        )

    await eventually(lambda: of_app(client, "killed"), has_begun)
    await plane.restart_leader(CONTROLLERS, client)
    await ready_pods(client, "killed", 5, "busybox:2")


async def test_each_pod_of_a_stateful_set_has_claims_of_its_own(plane: Plane, client: Client) -> None:
    template = {"metadata": {"name": "data"}, "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}},
    }}  # fmt: skip
    claims = workload("StatefulSet", "claims", replicas=2, serviceName="x", volumeClaimTemplates=[template])
    await client.create(STATEFUL_SETS, claims)
    found = await eventually(lambda: of_app(client, "claims", PERSISTENT_VOLUME_CLAIMS))
    assert name_of(found[0]) == "data-claims-0"


async def test_the_real_kubectl_rolls_a_daemon_set_out_and_back(plane: Plane, client: Client) -> None:
    await client.create(DAEMON_SETS, workload("DaemonSet", "agent"))
    pods = await ready_pods(client, "agent", 3)
    assert {pod["spec"]["nodeName"] for pod in pods} == {"hollow-0", "hollow-1", "hollow-2"}
    kubectl(plane, "set", "image", "daemonset/agent", "c=busybox:2")
    assert "successfully rolled out" in kubectl(plane, "rollout", "status", "daemonset/agent")
    await ready_pods(client, "agent", 3, "busybox:2")
    kubectl(plane, "rollout", "undo", "daemonset/agent")
    assert "successfully rolled out" in kubectl(plane, "rollout", "status", "daemonset/agent")
    await ready_pods(client, "agent", 3)
    history = kubectl(plane, "rollout", "history", "daemonset/agent").split()
    assert history[-4:] == ["2", "<none>", "3", "<none>"]


async def test_a_daemon_follows_the_nodes(plane: Plane, client: Client) -> None:
    await client.create(DAEMON_SETS, workload("DaemonSet", "follower"))
    await ready_pods(client, "follower", 3)
    plane.run_nodes("late", 1)
    await ready_pods(client, "follower", 4)
    kubectl(plane, "drain", "late", "--ignore-daemonsets")
    assert len(await ready_pods(client, "follower", 4)) == 4, "a daemon stays on a cordoned node"
    kubectl(plane, "taint", "node", "late", "gone=now:NoExecute")
    await ready_pods(client, "follower", 3)
    plane.kill("late")
    await client.delete(NODES, "late")


def job(name: str, completions: int, parallelism: int, **spec: object) -> Object:
    """Its pods run for a fifth of a second and succeed."""
    made = workload("Job", name, completions=completions, parallelism=parallelism, **spec)
    del made["spec"]["selector"]
    made["apiVersion"] = "batch/v1"
    template = made["spec"]["template"]
    template["metadata"]["annotations"] = {"hollow.sampan.io/exit-after": "200ms"}
    template["spec"]["restartPolicy"] = "Never"
    return made


async def complete(client: Client, name: str) -> Object:
    return await eventually(
        lambda: client.get(JOBS, name, "default"), lambda it: is_condition_true(it, "Complete")
    )


async def counted(client: Client, name: str) -> int:
    found = await client.get(JOBS, name, "default")
    return int(get_path(found, "status.succeeded", 0))


@pytest.mark.parametrize("mode", ["NonIndexed", "Indexed"])
async def test_a_job_is_counted_exactly_though_its_manager_is_killed_again_and_again(
    plane: Plane, client: Client, mode: str
) -> None:
    name = mode.lower()
    await client.create(JOBS, job(name, 80, 20, completionMode=mode))
    for done in (1, 25, 50):
        await eventually(lambda: counted(client, name), lambda count, done=done: count >= done)  # type: ignore[misc]
        await plane.restart_leader(CONTROLLERS, client)
    status = (await complete(client, name))["status"]
    assert (status["succeeded"], status.get("failed", 0)) == (80, 0)
    assert (status["uncountedTerminatedPods"], status["ready"], status["terminating"]) == ({}, 0, 0)
    pods = await of_app(client, name)
    assert sum(phase_of(pod) == "Succeeded" for pod in pods) == len(pods) == 80
    assert not any(pod["metadata"].get("finalizers") for pod in pods)
    if mode == "Indexed":
        assert status["completedIndexes"] == "0-79"


async def test_kubectl_suspends_resumes_and_deletes_a_job(plane: Plane, client: Client) -> None:
    made = job("paused", 4, 2, suspend=True)
    made["spec"]["template"]["metadata"]["annotations"] = {}
    await client.create(JOBS, made)
    await eventually(
        lambda: client.get(JOBS, "paused", "default"), lambda it: is_condition_true(it, "Suspended")
    )
    kubectl(plane, "patch", "job", "paused", "--patch", '{"spec":{"suspend":false}}')
    await ready_pods(client, "paused", 2)
    kubectl(plane, "patch", "job", "paused", "--patch", '{"spec":{"suspend":true}}')
    await eventually(lambda: of_app(client, "paused"), lambda found: not found)
    kubectl(plane, "patch", "job", "paused", "--patch", '{"spec":{"suspend":false}}')
    await ready_pods(client, "paused", 2)
    kubectl(plane, "delete", "job", "paused", "--cascade=orphan")
    await eventually(
        lambda: of_app(client, "paused"),
        lambda found: not any(pod["metadata"].get("finalizers") for pod in found),
    )
    kubectl(plane, "delete", "pods", "-l", "app=paused", "--wait")


async def test_a_cron_job_starts_its_jobs_and_tidies_up(plane: Plane, client: Client) -> None:
    template = {"spec": {**job("x", 1, 1)["spec"], "ttlSecondsAfterFinished": 2}}
    spec = {"schedule": "* * * * *", "timeZone": "Europe/Berlin", "jobTemplate": template}
    made = {"metadata": {"name": "tick", "namespace": "default"}, "spec": spec}
    await client.create(CRON_JOBS, made)
    late = format_time(now() - timedelta(minutes=2))
    await client.patch(
        CRON_JOBS, "tick", {"status": {"lastScheduleTime": late}}, "default", subresource="status"
    )
    seen = await eventually(
        lambda: client.get(CRON_JOBS, "tick", "default"), lambda it: it["status"].get("lastSuccessfulTime")
    )
    assert seen["status"]["lastScheduleTime"] > late
    assert "tick" in kubectl(plane, "get", "cronjobs")
    kubectl(plane, "create", "job", "by-hand", "--from=cronjob/tick")
    await complete(client, "by-hand")

    async def left() -> list[str]:
        return [
            name_of(each) for each in (await client.list(JOBS, "default"))["items"] if "-" in name_of(each)
        ]

    await eventually(left, lambda names: not names)
    await client.delete(CRON_JOBS, "tick", "default")


async def test_kubectl_drains_as_far_as_a_budget_allows(plane: Plane, client: Client) -> None:
    plane.run_nodes("drained", 1)
    await eventually(lambda: ready_nodes(client), lambda names: "drained" in names)
    made = workload(
        "StatefulSet", "guarded", replicas=2, serviceName="guarded", podManagementPolicy="Parallel"
    )
    made["spec"]["template"]["spec"]["nodeSelector"] = {"kubernetes.io/hostname": "drained"}
    await client.create(STATEFUL_SETS, made)
    spec = {"minAvailable": "50%", "selector": {"matchLabels": {"app": "guarded"}}}
    budget = {"metadata": {"name": "guarded", "namespace": "default"}, "spec": spec}
    await client.create(POD_DISRUPTION_BUDGETS, budget)
    await ready_pods(client, "guarded", 2)

    async def allowed() -> int:
        found = await client.get(POD_DISRUPTION_BUDGETS, "guarded", "default")
        return int(get_path(found, "status.disruptionsAllowed", 0))

    await eventually(allowed, lambda count: count == 1)
    words = ("drain", "drained", "--ignore-daemonsets", "--force")
    with pytest.raises(
        AssertionError, match="Cannot evict pod as it would violate the pod's disruption budget"
    ):
        kubectl(plane, *words, "--timeout=10s")
    # One has gone and waits for a node, the other stays.
    await eventually(
        lambda: of_app(client, "guarded"), lambda found: sorted(map(is_ready, found)) == [False, True]
    )
    await client.delete(POD_DISRUPTION_BUDGETS, "guarded", "default")
    kubectl(plane, *words, f"--timeout={LIMIT:g}s")
    await client.delete(STATEFUL_SETS, "guarded", "default")
    plane.kill("drained")
    await client.delete(NODES, "drained")


async def test_a_quota_lets_in_just_as_many_as_there_is_room_for(plane: Plane, client: Client) -> None:
    await client.create(NAMESPACES, {"metadata": {"name": "small"}})
    hard = {"hard": {"pods": "10", "count/configmaps": "3"}}
    await client.create(RESOURCE_QUOTAS, {"metadata": {"name": "q", "namespace": "small"}, "spec": hard})

    async def used() -> str:
        found = await client.get(RESOURCE_QUOTAS, "q", "small")
        return str(get_path(found, "status.used.pods", ""))

    await eventually(used, lambda count: count == "0")
    await eventually(lambda: client.get(SERVICE_ACCOUNTS, "default", "small"))
    spec = workload("Job", "x")["spec"]["template"]["spec"]
    bodies = [
        {"metadata": {"name": f"p{number}", "namespace": "small"}, "spec": spec} for number in range(30)
    ]
    answers = await asyncio.gather(*(client.create(PODS, body) for body in bodies), return_exceptions=True)
    assert sum(isinstance(answer, ForbiddenError) for answer in answers) == 20
    await eventually(used, lambda count: count == "10")
    kubectl(plane, "delete", "pods", "--all", "--namespace=small", "--wait")
    await eventually(used, lambda count: count == "0")
    await client.delete(NAMESPACES, "small")
