"""Volumes that persist, on a real node: data outlives pods, and nothing of a pod outlives it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kubeadm.config import ClusterConfig
from tests.e2e.conftest import Kubectl, eventually, kill

pytestmark = pytest.mark.e2e


def volume(name: str, node: str, path: Path, *, mode: str = "Filesystem", policy: str = "Retain") -> str:
    return f"""
apiVersion: v1
kind: PersistentVolume
metadata: {{name: {name}}}
spec:
  capacity: {{storage: 1Gi}}
  accessModes: [ReadWriteOnce]
  volumeMode: {mode}
  persistentVolumeReclaimPolicy: {policy}
  storageClassName: {name}
  local: {{path: {path}}}
  nodeAffinity:
    required:
      nodeSelectorTerms:
      - matchExpressions: [{{key: kubernetes.io/hostname, operator: In, values: [{node}]}}]
"""


def claim(name: str, class_name: str, *, mode: str = "Filesystem") -> str:
    return f"""
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: {name}}}
spec:
  accessModes: [ReadWriteOnce]
  volumeMode: {mode}
  storageClassName: {class_name}
  resources: {{requests: {{storage: 1Gi}}}}
"""


def pod(name: str, claim: str, script: str, *, mount: str = "", use: str = "", **fields: str) -> str:
    spec = "".join(f"  {field}: {value}\n" for field, value in fields.items())
    uses = use or f"volumeMounts: [{{name: data, mountPath: /data{mount}}}]"
    return f"""
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  terminationGracePeriodSeconds: 1
  restartPolicy: Never
{spec}
  containers:
  - name: c
    image: busybox:1.36
    command: [sh, -c, {script!r}]
    {uses}
  volumes:
  - name: data
    persistentVolumeClaim: {{claimName: {claim}}}
"""


def run(kubectl: Kubectl, manifest: str, name: str) -> str:
    """The output of a pod that runs to its end."""
    kubectl.apply(manifest)
    kubectl.wait(f"pod/{name}", "jsonpath={.status.phase}=Succeeded")
    output = kubectl("logs", name)
    kubectl("delete", "pod", name)
    return output


@pytest.fixture
def directory(cluster: ClusterConfig, kubectl: Kubectl, tmp_path: Path) -> Iterator[Path]:
    """A directory behind a local volume of the namespace's name; the volume goes, it stays."""
    kubectl.apply(volume(kubectl.namespace, cluster.node_name, tmp_path))
    yield tmp_path
    kubectl("delete", "pv", kubectl.namespace, "--wait=false")


def test_data_outlives_the_pod_and_the_kubelet(
    cluster: ClusterConfig, kubectl: Kubectl, directory: Path
) -> None:
    kubectl.apply(claim("kept", kubectl.namespace))
    run(kubectl, pod("writer", "kept", "echo 42 > /data/answer"), "writer")
    assert (directory / "answer").read_text() == "42\n"
    kubectl.apply(pod("reader", "kept", "cat /data/answer; sleep 1000"))
    kubectl.wait("pod/reader", "condition=Ready")
    container = kubectl.path("pod", "reader", "{.status.containerStatuses[0].containerID}")
    kill(cluster, "kubelet")
    eventually(lambda: kubectl.run("exec", "reader", "--", "touch", "/data/after").returncode == 0)
    assert kubectl.path("pod", "reader", "{.status.containerStatuses[0].containerID}") == container
    uid = kubectl.path("pod", "reader", "{.metadata.uid}")
    kubectl("delete", "pod", "reader")
    eventually(lambda: not (cluster.state_dir / "kubelet" / "pods" / uid).exists())
    assert {each.name for each in directory.iterdir()} == {"answer", "after"}


def test_a_part_of_a_volume_read_only_and_owned_by_a_group(kubectl: Kubectl, directory: Path) -> None:
    kubectl.apply(claim("parts", kubectl.namespace))
    group = {"securityContext": "{fsGroup: 2000, runAsUser: 1000, runAsNonRoot: true}"}
    script = "id -G; echo mine > /data/file; stat -c %g /data/file"
    output = run(kubectl, pod("owner", "parts", script, mount=", subPath: deep/er", **group), "owner")
    assert output.split() == ["0", "2000", "2000"]
    assert (directory / "deep/er/file").read_text() == "mine\n"
    script = "cat /data/deep/er/file; touch /data/x 2>/dev/null || echo refused"
    output = run(kubectl, pod("reader", "parts", script, mount=", readOnly: true"), "reader")
    assert output.split() == ["mine", "refused"]


def test_a_volume_that_is_not_there_is_waited_for(
    cluster: ClusterConfig, kubectl: Kubectl, tmp_path: Path
) -> None:
    late, name = tmp_path / "late", kubectl.namespace
    kubectl.apply(volume(name, cluster.node_name, late) + "---" + claim("late", name))
    kubectl.apply(pod("waiting", "late", "true"))
    selector = "--field-selector=involvedObject.name=waiting,reason=FailedMount"
    message = f'initialization failed for volume "{name}" : path "{late}" does not exist'
    eventually(lambda: message in kubectl("get", "events", selector, "-o", "jsonpath={.items[*].message}"))
    reason = "{.status.containerStatuses[0].state.waiting.reason}"
    eventually(lambda: kubectl.path("pod", "waiting", reason) == "ContainerCreating")
    late.mkdir()
    kubectl.wait("pod/waiting", "jsonpath={.status.phase}=Succeeded")
    kubectl("delete", "pod/waiting", "pvc/late", f"pv/{name}")


@pytest.fixture
def loop_device(tmp_path: Path) -> Iterator[Path]:
    image = tmp_path / "image"
    with image.open("wb") as file:
        file.truncate(4 * 1024**2)
    made = subprocess.run(["losetup", "--find", "--show", str(image)], capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip(f"no loop device is to be had: {made.stderr}")
    yield Path(made.stdout.strip())
    subprocess.run(["losetup", "--detach", made.stdout.strip()], check=True)


def test_a_raw_device(cluster: ClusterConfig, kubectl: Kubectl, loop_device: Path) -> None:
    name = kubectl.namespace
    kubectl.apply(volume(name, cluster.node_name, loop_device, mode="Block"))
    kubectl.apply(claim("raw", name, mode="Block"))
    use = "volumeDevices: [{name: data, devicePath: /dev/xvda}]"
    script = "echo raw > /dev/xvda; sync; test -b /dev/xvda && head -c 3 /dev/xvda"
    assert run(kubectl, pod("raw", "raw", script, use=use), "raw") == "raw"
    kubectl("delete", "pvc/raw", f"pv/{name}")
    with loop_device.open("rb") as device:
        assert device.read(3) == b"raw"


def test_a_device_gets_a_file_system(cluster: ClusterConfig, kubectl: Kubectl, loop_device: Path) -> None:
    name = kubectl.namespace
    kubectl.apply(volume(name, cluster.node_name, loop_device))
    kubectl.apply(claim("formatted", name))
    assert run(kubectl, pod("writes", "formatted", "echo kept > /data/file"), "writes") == ""
    assert run(kubectl, pod("reads", "formatted", "cat /data/file"), "reads").strip() == "kept"
    kubectl("delete", "pvc/formatted", f"pv/{name}")


def test_a_claim_in_use_stays_until_its_pod_is_gone(kubectl: Kubectl, directory: Path) -> None:
    kubectl.apply(claim("used", kubectl.namespace))
    kubectl.apply(pod("user", "used", "sleep 1000"))
    kubectl.wait("pod/user", "condition=Ready")
    kubectl("delete", "pvc", "used", "--wait=false")
    assert "Terminating" in kubectl("get", "pvc", "used")
    kubectl("exec", "user", "--", "touch", "/data/still")
    kubectl("delete", "pod", "user")
    eventually(lambda: "NotFound" in kubectl.run("get", "pvc", "used").stderr)
    assert (directory / "still").exists()


STATEFUL_SET = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  replicas: 2
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      terminationGracePeriodSeconds: 1
      securityContext: {runAsUser: 1000, runAsNonRoot: true}
      containers:
      - name: c
        image: busybox:1.36
        command: [sh, -c, 'hostname >> /data/log; sleep 100000']
        volumeMounts: [{name: data, mountPath: /data}]
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""


def test_a_stateful_set_keeps_its_data(cluster: ClusterConfig, kubectl: Kubectl) -> None:
    """With nothing said about storage: the default class makes a directory for each pod."""
    kubectl.apply(STATEFUL_SET)
    kubectl.rolled_out("statefulset/db")
    kubectl("delete", "pod", "db-0")
    kubectl.rolled_out("statefulset/db")
    eventually(lambda: kubectl.run("exec", "db-0", "--", "cat", "/data/log").stdout == "db-0\ndb-0\n")
    assert kubectl("exec", "db-1", "--", "cat", "/data/log") == "db-1\n"
    volume = kubectl.path("pvc", "data-db-0", "{.spec.volumeName}")
    path = Path(kubectl.path("pv", volume, "{.spec.local.path}"))
    assert path == cluster.state_dir / "volumes" / f"{volume}_{kubectl.namespace}_data-db-0"
    assert kubectl.path("pvc", "data-db-0", "{.spec.storageClassName}") == "standard"
    kubectl("patch", "pvc", "data-db-0", "-p", '{"spec": {"resources": {"requests": {"storage": "2Gi"}}}}')
    kubectl.wait("pvc/data-db-0", "jsonpath={.status.capacity.storage}=2Gi")
    kubectl("delete", "statefulset", "db")
    kubectl("delete", "pvc", "--all")
    eventually(lambda: "NotFound" in kubectl.run("get", "pv", volume).stderr)
    assert not path.exists()


def test_a_volume_whose_policy_is_changed_keeps_its_data(kubectl: Kubectl) -> None:
    """As users do it who have found out that they need their data after all."""
    kubectl.apply(claim("precious", "standard"))
    kubectl.apply(pod("writer", "precious", "echo 42 > /data/answer"))
    kubectl.wait("pod/writer", "jsonpath={.status.phase}=Succeeded")
    volume = kubectl.path("pvc", "precious", "{.spec.volumeName}")
    path = Path(kubectl.path("pv", volume, "{.spec.local.path}"))
    kubectl("patch", "pv", volume, "-p", '{"spec": {"persistentVolumeReclaimPolicy": "Retain"}}')
    kubectl("delete", "pod/writer", "pvc/precious")
    kubectl.wait(f"pv/{volume}", "jsonpath={.status.phase}=Released")
    kubectl("patch", "pv", volume, "--type=json", "-p", '[{"op": "remove", "path": "/spec/claimRef"}]')
    kubectl.wait(f"pv/{volume}", "jsonpath={.status.phase}=Available")
    again = claim("again", "standard").replace("spec:", f"spec:\n  volumeName: {volume}")
    kubectl.apply(again)
    assert run(kubectl, pod("reader", "again", "cat /data/answer"), "reader") == "42\n"
    kubectl("delete", "pvc/again", f"pv/{volume}")
    assert (path / "answer").read_text() == "42\n"


def test_an_ephemeral_volume_goes_with_its_pod(kubectl: Kubectl) -> None:
    template = "{spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Mi}}}}"
    manifest = pod("scratch", "x", "echo 42 > /data/x; sleep 1000").replace(
        "persistentVolumeClaim: {claimName: x}", f"ephemeral: {{volumeClaimTemplate: {template}}}"
    )
    kubectl.apply(manifest)
    kubectl.wait("pod/scratch", "condition=Ready")
    volume = kubectl.path("pvc", "scratch-data", "{.spec.volumeName}")
    path = Path(kubectl.path("pv", volume, "{.spec.local.path}"))
    eventually((path / "x").exists)
    kubectl("delete", "pod", "scratch")
    eventually(lambda: "NotFound" in kubectl.run("get", "pv", volume).stderr)
    assert not path.exists()
