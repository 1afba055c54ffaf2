"""Which container a request means. Refusals carry upstream's words."""

from __future__ import annotations

from apimachinery.objects import NamespacedName, Object, uid_of
from apimachinery.pods import all_containers
from kubelet.kubelet import Kubelet
from kubelet.server.refused import Refused

_WHY_WAITING = {
    "ErrImagePull": "image can't be pulled",
    "ImagePullBackOff": "trying and failing to pull image",
}


def pod_named(kubelet: Kubelet, namespace: str, name: str, uid: str = "") -> Object:
    """The pod with the latest status known here. Raises Refused."""
    key = NamespacedName(namespace, name)
    pod, shown = kubelet.pod_named(key), kubelet.pods.get(key) or {}
    if pod is None or (uid and uid not in (uid_of(pod), uid_of(shown))):
        raise Refused(404, "pod does not exist")
    return pod


def check_container(pod: Object, container: str, complaint: str = "") -> None:
    """Raises Refused, with another complaint than that of /containerLogs where there is one."""
    if all(each["name"] != container for each in all_containers(pod["spec"])):
        name = pod["metadata"]["name"]
        raise Refused(404, complaint or f'container "{container}" not found in pod "{name}"')


def running_container_id(pod: Object, container: str) -> str:
    """For exec and attach."""
    state = _status_of(pod, container)
    if state is None or "running" not in (state.get("state") or {}):
        raise Refused(500, f'container not found ("{container}")')
    return str(state["containerID"])


def has_terminal(pod: Object, container: str) -> bool:
    """Whether the container's own process runs on a terminal."""
    return any(each["name"] == container and each.get("tty") for each in all_containers(pod["spec"]))


def logged_container_id(pod: Object, container: str, *, previous: bool) -> str:
    """The container whose log is meant."""
    check_container(pod, container)
    name = pod["metadata"]["name"]
    status = _status_of(pod, container)
    if status is None:
        raise Refused(400, f'container "{container}" in pod "{name}" is not available')
    state, last = status.get("state") or {}, (status.get("lastState") or {}).get("terminated") or {}
    if previous:
        if not last.get("containerID"):
            raise Refused(400, f'previous terminated container "{container}" in pod "{name}" not found')
        return str(last["containerID"])
    if "running" in state:
        return str(status["containerID"])
    found = (state.get("terminated") or {}).get("containerID") or last.get("containerID")
    if found:
        return str(found)
    waiting = (state.get("waiting") or {}).get("reason", "")
    why = _WHY_WAITING.get(waiting, waiting) or "no logs yet"
    if "waiting" in state:
        raise Refused(400, f'container "{container}" in pod "{name}" is waiting to start: {why}')
    raise Refused(400, f'container "{container}" in pod "{name}" is terminated')


def _status_of(pod: Object, container: str) -> Object | None:
    status = pod.get("status") or {}
    for field in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        for each in status.get(field) or ():
            if each["name"] == container:
                return dict(each)
    return None
