"""The commands that mend: aimed at what makes the pod, since the pod itself is mostly set in stone."""

from __future__ import annotations

import json
from shlex import quote

from apimachinery.objects import Object
from kubectl.why.containers import Container
from kubectl.why.diagnosis import Fix
from kubectl.why.facts import Owner, PodFacts

_TEMPLATES = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController")


def command(verb: str, namespace: str, *words: str) -> str:
    return " ".join(["kubectl", verb, *map(quote, words), *(["-n", quote(namespace)] if namespace else [])])


def set_image(facts: PodFacts, container: Container, image: str) -> Fix:
    what = f"let {container.label} of {facts.owner} use {image}"
    if facts.owner.kind in (*_TEMPLATES, "Pod", "CronJob"):
        return Fix(what, command("set image", facts.namespace, str(facts.owner), f"{container.name}={image}"))
    return Fix(what)


def set_resources(facts: PodFacts, container: Container, flag: str, what: str) -> Fix:
    if facts.owner.kind in _TEMPLATES:
        words = (str(facts.owner), "-c", container.name, flag)
        return Fix(what, command("set resources", facts.namespace, *words))
    kind, _, amounts = flag.removeprefix("--").partition("=")
    return patch_container(facts, container, what, {"resources": {kind: _amounts(amounts)}})


def _amounts(text: str) -> Object:
    return dict(each.split("=", 1) for each in text.split(","))


def patch_container(facts: PodFacts, container: Container, what: str, fields: Object) -> Fix:
    group = (
        "containers" if container.spec in (facts.pod["spec"].get("containers") or ()) else "initContainers"
    )
    return patch_pod_spec(facts, what, {group: [{"name": container.name, **fields}]})


def patch_pod_spec(facts: PodFacts, what: str, spec: Object) -> Fix:
    """Changes the template of what makes the pod. A pod that nobody makes is replaced."""
    return Fix(what, patch_command(facts.owner, facts.namespace, spec))


def patch_command(owner: Owner, namespace: str, spec: Object) -> str:
    if owner.kind in _TEMPLATES:
        return _patch(owner, namespace, {"spec": {"template": {"spec": spec}}})
    if owner.kind == "CronJob":
        return _patch(owner, namespace, {"spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}}})
    if owner.kind == "Pod":
        text = quote(_json({"spec": spec}))
        read = command("get", namespace, str(owner), "-o", "json")
        return f"{read} | kubectl patch --local -f - -p {text} -o json | kubectl replace --force -f -"
    return ""


def _patch(owner: Owner, namespace: str, patch: Object) -> str:
    return command("patch", namespace, str(owner), "-p", _json(patch))


def _json(value: Object) -> str:
    return json.dumps(value, separators=(",", ":"))
