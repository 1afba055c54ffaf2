"""Deployments, pods, jobs, autoscalers out of flags."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

from apimachinery.objects import Object
from kubectl.arguments import Flag
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


class PodFlags(NamedTuple):
    """The flags of `run` that say what its pod is."""

    image: Annotated[str, Flag("--image", help="The image to run.")] = ""
    image_pull_policy: Annotated[str, Flag("--image-pull-policy", help="Always, IfNotPresent or Never.")] = ""
    labels: Annotated[str, Flag("--labels", "-l", help="Labels of the pod: a=b,c=d.")] = ""
    annotations: Annotated[list[str] | None, Flag("--annotations", help="An annotation: a=b.")] = None
    env: Annotated[list[str] | None, Flag("--env", help="A variable: KEY=VALUE.")] = None
    port: Annotated[str, Flag("--port", help="The port that the container exposes.")] = ""
    restart: Annotated[str, Flag("--restart", help="Always, OnFailure or Never.")] = "Always"
    is_command: Annotated[bool, Flag("--command", help="The words are the command itself.")] = False
    privileged: Annotated[bool, Flag("--privileged", help="With all rights on the node.")] = False


def pod(
    name: str, flags: PodFlags, args: Sequence[str], *, stdin: bool, stdin_once: bool, tty: bool
) -> Object:
    """What `run` creates."""
    container = _container(name, flags.image)
    if args:
        container["command" if flags.is_command else "args"] = list(args)
    if flags.port:
        container["ports"] = [{"containerPort": _port(flags.port)}]
    if flags.env:
        container["env"] = [_variable(each) for each in flags.env]
    if flags.image_pull_policy:
        container["imagePullPolicy"] = flags.image_pull_policy
    if flags.privileged:
        container["securityContext"] = {"privileged": True}
    if stdin:
        container |= {"stdin": True} | ({"stdinOnce": True} if stdin_once else {})
    if tty:
        container["tty"] = True
    spec = {"containers": [container], "restartPolicy": flags.restart, "dnsPolicy": "ClusterFirst"}
    obj = named("Pod", "v1", name, pairs(flags.labels) or {"run": name})
    if flags.annotations:
        obj["metadata"]["annotations"] = pairs(",".join(flags.annotations))
    return {**obj, "spec": spec, "status": {}}


def _port(text: str) -> int:
    if not text.isdigit():
        raise CommandError(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def pairs(text: str) -> dict[str, str]:
    """`a=b,c=d`. Raises CommandError."""
    found = {}
    for part in filter(None, text.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            raise CommandError(f"unexpected label spec: {part}")
        found[key] = value
    return found


def _variable(text: str) -> Object:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise CommandError(f"invalid env: {text}")
    return {"name": name, "value": value}


def autoscaler(target: Object, name: str, minimum: int, maximum: int, wanted: Mapping[str, str]) -> Object:
    """`target` is a scaleTargetRef; what is wanted of cpu and memory is a share (70%) or an amount."""
    if maximum < 1:
        raise CommandError(f"--max=MAXPODS is required and must be at least 1, max: {maximum}")
    if minimum > maximum:
        raise CommandError(
            f"--max=MAXPODS must be larger or equal to --min=MINPODS, max: {maximum}, min: {minimum}"
        )
    spec: Object = {"scaleTargetRef": target, "maxReplicas": maximum}
    if minimum > 0:
        spec["minReplicas"] = minimum
    metrics = [_metric(resource, amount) for resource, amount in wanted.items() if amount]
    if metrics:
        spec["metrics"] = metrics
    return {**named("HorizontalPodAutoscaler", "autoscaling/v2", name), "spec": spec,
            "status": {"desiredReplicas": 0, "currentMetrics": None}}  # fmt: skip


def _metric(resource: str, amount: str) -> Object:
    if amount.rstrip("%").isdigit() and (amount.endswith("%") or resource == "cpu"):
        target: Object = {"type": "Utilization", "averageUtilization": int(amount.rstrip("%"))}
    else:
        target = {"type": "AverageValue", "averageValue": amount}
    return {"type": "Resource", "resource": {"name": resource, "target": target}}
