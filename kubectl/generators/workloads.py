"""Deployments, pods, jobs, autoscalers out of flags."""

from __future__ import annotations

import re
from collections.abc import Sequence

from apimachinery.objects import Object
from kubectl.failures import CommandError
from kubectl.generators.objects import named


def container_name(image: str) -> str:
    """The last part of an image's name, without tag and with nothing a name may not have."""
    last = image.rpartition("/")[2].partition("@")[0].partition(":")[0].replace("_", "-")
    return re.sub(r"[^a-z0-9-]", "-", last.lower())


def deployment(
    name: str, images: Sequence[str], *, replicas: int = 1, port: int = 0, command: Sequence[str] = ()
) -> Object:
    if command and len(images) > 1:
        raise CommandError("cannot specify multiple --image options and command")
    labels = {"app": name}
    containers = [_container(container_name(image), image) for image in images]
    if command:
        containers[0] = {**containers[0], "command": list(command)}
    if port:
        containers[0]["ports"] = [{"containerPort": port}]
    template = {"metadata": {"creationTimestamp": None, "labels": labels}, "spec": {"containers": containers}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template, "strategy": {}}
    return {**named("Deployment", "apps/v1", name, labels), "spec": spec, "status": {}}


def _container(name: str, image: str) -> Object:
    return {"name": name, "image": image, "resources": {}}


def job_template(name: str, image: str, command: Sequence[str], restart: str = "Never") -> Object:
    container = _container(name, image) | ({"command": list(command)} if command else {})
    pod = {"containers": [container], "restartPolicy": restart}
    return {"template": {"metadata": {"creationTimestamp": None}, "spec": pod}}


def job(name: str, image: str, command: Sequence[str]) -> Object:
    return {**named("Job", "batch/v1", name), "spec": job_template(name, image, command), "status": {}}


def job_from_cron_job(name: str, cron_job: Object) -> Object:
    from apimachinery.objects import owner_reference

    template = cron_job["spec"]["jobTemplate"]
    obj = named("Job", "batch/v1", name, (template.get("metadata") or {}).get("labels"))
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    obj["metadata"]["annotations"] = {**annotations, "cronjob.kubernetes.io/instantiate": "manual"}
    obj["metadata"]["ownerReferences"] = [owner_reference(cron_job)]
    return {**obj, "spec": template["spec"]}


def cron_job(name: str, image: str, schedule: str, restart: str, command: Sequence[str]) -> Object:
    if not schedule:
        raise CommandError("--schedule must be specified")
    template = {"metadata": {"name": name, "creationTimestamp": None},
                "spec": job_template(name, image, command, restart or "OnFailure")}  # fmt: skip
    spec = {"schedule": schedule, "jobTemplate": template}
    return {**named("CronJob", "batch/v1", name), "spec": spec, "status": {}}


def pod(
    name: str,
    image: str,
    *,
    labels: dict[str, str],
    environment: Sequence[str] = (),
    port: int = 0,
    restart: str = "Always",
    args: Sequence[str] = (),
    is_command: bool = False,
    stdin: bool = False,
    tty: bool = False,
) -> Object:
    """What `run` creates."""
    container = _container(name, image)
    if args:
        container["command" if is_command else "args"] = list(args)
    if port:
        container["ports"] = [{"containerPort": port}]
    if environment:
        container["env"] = [_variable(each) for each in environment]
    if stdin:
        container |= {"stdin": True, "stdinOnce": True}
    if tty:
        container["tty"] = True
    spec = {"containers": [container], "restartPolicy": restart, "dnsPolicy": "ClusterFirst"}
    return {**named("Pod", "v1", name, labels or {"run": name}), "spec": spec, "status": {}}


def _variable(text: str) -> Object:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise CommandError(f"invalid env: {text}")
    return {"name": name, "value": value}


def autoscaler(target: Object, name: str, minimum: int, maximum: int, cpu: str) -> Object:
    """`target` is a scaleTargetRef."""
    if maximum < 1:
        raise CommandError(f"--max=MAXPODS is required and must be at least 1, max: {maximum}")
    if minimum > maximum:
        raise CommandError(
            f"--max=MAXPODS must be larger or equal to --min=MINPODS, max: {maximum}, min: {minimum}"
        )
    spec: Object = {"scaleTargetRef": target, "maxReplicas": maximum}
    if minimum > 0:
        spec["minReplicas"] = minimum
    if cpu:
        usage = {"type": "Utilization", "averageUtilization": int(cpu.removesuffix("%"))}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": usage}}]
    return {**named("HorizontalPodAutoscaler", "autoscaling/v2", name), "spec": spec,
            "status": {"desiredReplicas": 0, "currentMetrics": None}}  # fmt: skip
