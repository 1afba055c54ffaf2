"""The kubelet as a process: real apiserver, real Docker. What virtual time cannot show."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from apimachinery.conditions import find_condition, is_condition_true
from apimachinery.objects import Object, uid_of
from apimachinery.scheme import CONFIG_MAPS, EVENTS, NODES, PODS
from client.rest import STRATEGIC
from kubelet.cgroups.usage import parse_cgroups
from tests.e2e.docker_node import LIMIT, Node, docker_node
from tests.integration.plane import eventually

pytestmark = [pytest.mark.docker, pytest.mark.netns]

SERVER = "mkdir /w; echo $GREETING > /w/index.html; trap 'exit 0' TERM; httpd -f -p 8080 -h /w & wait"


def containers_of(pod: Object) -> list[str]:
    label = f"label=io.kubernetes.pod.uid={uid_of(pod)}"
    done = subprocess.run(
        ["docker", "ps", "-aq", "--filter", label], capture_output=True, text=True, check=True
    )
    return sorted(done.stdout.split())


def conf(**data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "conf"}, "data": data}


CONTAINER = {
    "name": "c",
    "image": "busybox:local",
    "command": ["sh", "-c", SERVER],
    "env": [{"name": "GREETING", "valueFrom": {"configMapKeyRef": {"name": "conf", "key": "greeting"}}}],
    "volumeMounts": [{"name": "conf", "mountPath": "/conf"}],
    "readinessProbe": {"httpGet": {"port": 8080}, "periodSeconds": 1},
    "livenessProbe": {"exec": {"command": ["true"]}, "periodSeconds": 1},
}
VOLUMES = [{"name": "conf", "configMap": {"name": "conf"}}]


async def test_a_pod_lives_through_the_kubelets_death_and_leaves_nothing(tmp_path: Path) -> None:
    async with docker_node(tmp_path) as here:
        await here.client.create(CONFIG_MAPS, conf(greeting="hello", live="old"), "default")
        pod = await here.run_pod(containers=[CONTAINER], volumes=VOLUMES)
        before = containers_of(pod)
        assert len(before) == 2
        cgroup = cgroup_of(pod)

        await check_statistics(here, pod)
        await until(lambda: has_log(pod))

        here.plane.kill("kubelet")
        here.start()
        await here.client.patch(CONFIG_MAPS, "conf", {"data": {"live": "new"}}, "default")
        await _until_file_says(here, pod, "new")
        after = await here.client.get(PODS, "p", "default")
        assert containers_of(pod) == before
        assert after["metadata"]["resourceVersion"] == pod["metadata"]["resourceVersion"]

        kill_container(pod)
        restarted = await here.until(lambda pod: pod["status"]["containerStatuses"][0]["restartCount"] == 1)
        assert restarted["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 137

        await here.client.delete(PODS, "p", "default")
        began = asyncio.get_running_loop().time()
        await here.until_gone()
        took = asyncio.get_running_loop().time() - began
        assert took < 30, "not the grace of a pod that says nothing"
        async with asyncio.timeout(LIMIT):
            while containers_of(pod) or (here.root / "pods" / uid_of(pod)).exists():  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert not has_log(pod)
        await until(lambda: not cgroup.exists())
        # Events are sent behind the work they tell of.
        await eventually(lambda: reasons(here), {"Pulled", "Created", "Started", "Killing"}.issubset)


async def reasons(here: Node) -> set[str]:
    return {each["reason"] for each in (await here.client.list(EVENTS, "default"))["items"]}


async def check_statistics(here: Node, pod: Object) -> None:
    """What metrics-server and dashboards would ask, through the API server."""

    async def ask(path: str) -> str:
        answer = await here.client.request("GET", f"/api/v1/nodes/{here.name}/proxy{path}")
        return answer.decode()

    summary = orjson.loads(await ask("/stats/summary"))
    (found,) = summary["pods"]
    assert found["podRef"]["uid"] == uid_of(pod)
    systems = {each["name"]: each for each in summary["node"]["systemContainers"]}
    assert systems["pods"]["memory"]["availableBytes"] > 0
    (container,) = found["containers"]
    assert container["memory"]["workingSetBytes"] > 0
    assert container["rootfs"]["usedBytes"] > 0
    assert found["network"]["interfaces"][0]["rxBytes"] > 0
    assert found["volume"][0]["name"] == "conf"
    labels = '{container="c",namespace="default",pod="p"}'
    assert f"container_memory_working_set_bytes{labels}" in await ask("/metrics/resource")
    assert "container_network_receive_bytes_total" in await ask("/metrics/cadvisor")
    # Readiness does not wait for the other probe.
    successful = 'probe_type="Liveness",result="successful"'
    await eventually(lambda: ask("/metrics/probes"), lambda text: successful in text)
    own = await ask("/metrics")
    assert 'kubelet_runtime_operations_total{operation_type="run_podsandbox"}' in own
    assert f'kubelet_node_name{{node="{here.name}"}} 1.0' in own
    volumes = 'plugin_name="kubernetes.io/configmap",state="actual_state_of_world"'
    assert f"volume_manager_total_volumes{{{volumes}}} 1.0" in own
    assert [uid_of(each) for each in orjson.loads(await ask("/pods"))["items"]] == [uid_of(pod)]


def has_log(pod: Object) -> bool:
    return Path("/var/log/pods", f"default_p_{uid_of(pod)}", "c", "0.log").is_file()


def kill_container(pod: Object) -> None:
    container_id = pod["status"]["containerStatuses"][0]["containerID"].removeprefix("docker://")
    subprocess.run(["docker", "kill", container_id], check=True, capture_output=True)


async def _until_file_says(here: Node, pod: Object, text: str) -> None:
    """A volume follows its ConfigMap within seconds."""
    path = here.root / "pods" / uid_of(pod) / "volumes" / "kubernetes.io~configmap" / "conf" / "live"
    async with asyncio.timeout(LIMIT):
        while path.read_text() != text:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


def running(label: str) -> list[str]:
    command = ["docker", "ps", "-q", "--filter", f"label={label}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(LIMIT):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_a_static_pod_needs_no_api_and_shows_there_when_it_can(tmp_path: Path) -> None:
    async with docker_node(tmp_path) as here:
        here.plane.kill("kube-apiserver")
        here.plane.kill("kubelet")
        container = {"name": "c", "image": "busybox:local", "command": ["sh", "-c", "echo hello; sleep 1000"]}
        spec = {"containers": [container], "hostNetwork": True, "terminationGracePeriodSeconds": 1}
        manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "s"}, "spec": spec}
        (here.manifests / "s.json").write_bytes(orjson.dumps(manifest))
        here.start()
        name = f"s-{here.name}"
        label = f"io.kubernetes.pod.name={name}"
        await until(lambda: len(running(label)) == 2)
        before = running(label)

        here.plane.run("kube-apiserver")
        mirror = await here.until_there(name)
        assert mirror["metadata"]["annotations"]["kubernetes.io/config.source"] == "file"
        path = f"/api/v1/namespaces/default/pods/{name}/log"
        await eventually(lambda: here.client.request("GET", path), lambda log: log == b"hello\n")
        await here.client.delete(PODS, name, "default")
        await here.until_there(name, not_uid=uid_of(mirror))
        assert running(label) == before

        (here.manifests / "s.json").unlink()
        await here.until_gone(name)
        assert not running(label)


async def test_pods_that_cost_the_node_too_much_are_evicted(tmp_path: Path) -> None:
    async with docker_node(tmp_path) as here:
        write = "until [ -e /v/go ]; do sleep 0.1; done; head -c 3000000 /dev/zero > /v/file; sleep 1000"
        container = {"name": "c", "image": "busybox:local"}
        writer = {**container, "command": ["sh", "-c", write]}
        writer["volumeMounts"] = [{"name": "v", "mountPath": "/v"}]
        made = await here.run_pod(
            "writer", containers=[writer], volumes=[{"name": "v", "emptyDir": {"sizeLimit": "1Mi"}}]
        )
        await here.run_pod("idle", containers=[{**container, "command": ["sleep", "1000"]}])
        (here.root / "pods" / uid_of(made) / "volumes/kubernetes.io~empty-dir/v/go").touch()
        gone = await here.until(lambda pod: pod["status"]["phase"] == "Failed", "writer")
        assert gone["status"]["reason"] == "Evicted"
        assert gone["status"]["message"] == 'Usage of EmptyDir volume "v" exceeds the limit "1Mi". '

        here.plane.kill("kubelet")
        here.start("--eviction-hard=memory.available<99%")
        gone = await here.until(lambda pod: pod["status"]["phase"] == "Failed", "idle")
        assert gone["status"]["message"].startswith(
            "The node was low on resource: memory. Threshold quantity: "
        )
        assert is_condition_true(gone, "DisruptionTarget")
        await eventually(
            lambda: here.client.get(NODES, here.name),
            lambda node: is_condition_true(node, "MemoryPressure"),
        )


async def test_resources_change_while_the_container_runs(tmp_path: Path) -> None:
    async with docker_node(tmp_path) as here:
        container = {
            "name": "c",
            "image": "busybox:local",
            "command": ["sleep", "1000"],
            "resources": {"limits": {"cpu": "200m", "memory": "64Mi"}},
        }
        pod = await here.run_pod(containers=[container])

        async def resize(cpu: str, memory: str, name: str = "p") -> None:
            wanted = {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": cpu, "memory": memory}}
            patch = {"spec": {"containers": [{"name": "c", "resources": wanted}]}}
            await here.client.patch(PODS, name, patch, "default", patch_type=STRATEGIC, subresource="resize")

        def limits(pod: Object) -> Object:
            return pod["status"]["containerStatuses"][0]["resources"]["limits"]

        await resize("300m", "128Mi")
        after = await here.until(lambda pod: limits(pod) == {"cpu": "300m", "memory": "128Mi"})
        assert pod["status"]["containerStatuses"][0]["containerID"] == container_id_of(after)
        assert limits_on_the_engine(after) == (128 << 20, 30_000)
        cgroup = cgroup_of(after)
        assert uid_of(pod) in cgroup.name.replace("_", "-")
        assert memory_limit(cgroup) == 128 << 20
        assert find_condition(after["status"]["conditions"], "PodResizeInProgress") is None

        await resize("1000", "128Mi")
        refused = await here.until(lambda pod: is_condition_true(pod, "PodResizePending"))
        condition = find_condition(refused["status"]["conditions"], "PodResizePending")
        assert condition is not None
        assert condition["reason"] == "Infeasible"
        assert condition["message"].startswith("Node didn't have enough capacity: cpu, requested: 1000000, ")
        await resize("300m", "128Mi")
        await here.until(lambda pod: not is_condition_true(pod, "PodResizePending"))

        policy = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]
        await here.run_pod("restarts", containers=[{**container, "resizePolicy": policy}])
        await resize("200m", "96Mi", "restarts")
        after = await here.until(
            lambda pod: limits(pod) == {"cpu": "200m", "memory": "96Mi"} and is_condition_true(pod, "Ready"),
            "restarts",
        )
        assert after["status"]["containerStatuses"][0]["restartCount"] == 1
        assert limits_on_the_engine(after) == (96 << 20, 20_000)

        fill = "dd if=/dev/zero of=/dev/shm/file bs=1M count=40; touch /full; sleep 1000"
        probe = {"exec": {"command": ["test", "-e", "/full"]}, "periodSeconds": 1, "timeoutSeconds": 20}
        filling = {**container, "command": ["sh", "-c", fill], "readinessProbe": probe}
        await here.run_pod("full", containers=[filling])
        await resize("200m", "16Mi", "full")
        stuck = await here.until(lambda pod: reason_of(pod, "PodResizeInProgress") == "Error", "full")
        assert limits(stuck) == {"cpu": "200m", "memory": "64Mi"}


def reason_of(pod: Object, condition: str) -> str:
    return (find_condition(pod["status"]["conditions"], condition) or {}).get("reason", "")


def limits_on_the_engine(pod: Object) -> tuple[int, int]:
    """Bytes of memory, and microseconds of processor each 100 milliseconds."""
    form = "{{.HostConfig.Memory}} {{.HostConfig.CpuQuota}}"
    docker_id = container_id_of(pod).removeprefix("docker://")
    command = ["docker", "inspect", "--format", form, docker_id]
    memory, quota = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return int(memory), int(quota)


def container_id_of(pod: Object) -> str:
    return str(pod["status"]["containerStatuses"][0]["containerID"])


def cgroup_of(pod: Object) -> Path:
    """The pod's own, as far as memory is concerned: the one that its container's lies in."""
    docker_id = container_id_of(pod).removeprefix("docker://")
    command = ["docker", "inspect", "--format", "{{.State.Pid}}", docker_id]
    pid = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    paths = parse_cgroups(Path(f"/proc/{pid}/cgroup").read_text())
    top = Path("/sys/fs/cgroup/memory" if "memory" in paths else "/sys/fs/cgroup")
    return top / paths.get("memory", paths[""]).lstrip("/").rpartition("/")[0]


def memory_limit(cgroup: Path) -> int:
    file = cgroup / "memory.limit_in_bytes"
    return int((file if file.exists() else cgroup / "memory.max").read_text())
