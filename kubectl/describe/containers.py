"""Containers as `describe` shows them, of pods (with their state) and of templates (without)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from apimachinery.objects import Object
from kubectl.describe.values import NONE, local_time, truth
from kubectl.describe.writer import Writer

Resolver = Callable[[Object, str], str]
"""(container, field path or resource) -> value, for pods; templates have none."""


def write_containers(
    writer: Writer,
    title: str,
    containers: Sequence[Object],
    statuses: Sequence[Object] = (),
    resolver: Resolver | None = None,
    indent: str = "",
) -> None:
    writer.line(f"{indent}{title}:" + ("" if containers else f" {NONE}"))
    by_name = {status["name"]: status for status in statuses}
    for container in containers:
        status = by_name.get(container["name"])
        _write_basics(writer, container, status, " " if indent else "")
        _write_words(writer, "Command", container.get("command"))
        _write_words(writer, "Args", container.get("args"))
        if status:
            _write_status(writer, status)
        write_resources(writer, container.get("resources") or {}, 2)
        for title_, name in _PROBES:
            if probe := container.get(name):
                writer.field(title_, probe_text(probe), 2)
        _write_env_from(writer, container.get("envFrom") or ())
        _write_env(writer, container, resolver)
        _write_mounts(writer, container)


_PROBES = (("Liveness", "livenessProbe"), ("Readiness", "readinessProbe"), ("Startup", "startupProbe"))


def _write_basics(writer: Writer, container: Object, status: Object | None, indent: str) -> None:
    writer.line(f"{indent}{container['name']}:", 1)
    if status:
        writer.field("Container ID", status.get("containerID") or "", 2)
    writer.field("Image", container.get("image") or "", 2)
    if status:
        writer.field("Image ID", status.get("imageID") or "", 2)
    ports = container.get("ports") or ()
    for title, name in (("Port", "containerPort"), ("Host Port", "hostPort")):
        listed = ", ".join(f"{each.get(name, 0)}/{each.get('protocol', 'TCP')}" for each in ports)
        writer.field(f"{title}s" if len(ports) > 1 else title, listed or NONE, 2)
    write_seccomp(writer, container.get("securityContext"), 2)


def write_seccomp(writer: Writer, context: Object | None, level: int) -> None:
    profile = (context or {}).get("seccompProfile")
    if profile:
        writer.field("SeccompProfile", profile["type"], level)
        if profile["type"] == "Localhost":
            writer.field("LocalhostProfile", profile.get("localhostProfile", ""), level)


def _write_words(writer: Writer, title: str, words: Sequence[str] | None) -> None:
    if words:
        writer.line(f"{title}:", 2)
        for word in words:
            for line in word.split("\n"):
                writer.line(line, 3)


def _write_status(writer: Writer, status: Object) -> None:
    _write_state(writer, "State", status.get("state") or {})
    last = status.get("lastState") or {}
    if last.get("terminated"):
        _write_state(writer, "Last State", last)
    writer.field("Ready", str(bool(status.get("ready"))), 2)
    writer.field("Restart Count", status.get("restartCount", 0), 2)


def _write_state(writer: Writer, title: str, state: Object) -> None:
    if "running" in state:
        writer.field(title, "Running", 2)
        writer.field("Started", local_time(state["running"].get("startedAt")), 3)
    elif "terminated" in state:
        _write_terminated(writer, title, state["terminated"])
    else:
        writer.field(title, "Waiting", 2)
        if reason := (state.get("waiting") or {}).get("reason"):
            writer.field("Reason", reason, 3)


def _write_terminated(writer: Writer, title: str, state: Object) -> None:
    writer.field(title, "Terminated", 2)
    for name in ("reason", "message"):
        if state.get(name):
            writer.field(name.capitalize(), state[name], 3)
    writer.field("Exit Code", state.get("exitCode", 0), 3)
    if state.get("signal"):
        writer.field("Signal", state["signal"], 3)
    writer.field("Started", local_time(state.get("startedAt")), 3)
    writer.field("Finished", local_time(state.get("finishedAt")), 3)


def write_resources(writer: Writer, resources: Object, level: int) -> None:
    for title, name in (("Limits", "limits"), ("Requests", "requests")):
        amounts: Mapping[str, Any] = resources.get(name) or {}
        if amounts:
            writer.line(f"{title}:", level)
        for key, amount in sorted(amounts.items()):
            writer.field(key, amount, level + 1)


def probe_text(probe: Object) -> str:
    """`http-get http://:8080/healthz delay=0s timeout=1s period=10s #success=1 #failure=3`"""
    numbers = (
        f"delay={probe.get('initialDelaySeconds', 0)}s timeout={probe.get('timeoutSeconds', 0)}s "
        f"period={probe.get('periodSeconds', 0)}s #success={probe.get('successThreshold', 0)} "
        f"#failure={probe.get('failureThreshold', 0)}"
    )
    return f"{_action(probe)} {numbers}"


def _action(action: Object) -> str:
    if "exec" in action:
        return f"exec [{' '.join(action['exec'].get('command') or ())}]"
    if http := action.get("httpGet"):
        scheme = (http.get("scheme") or "HTTP").lower()
        return f"http-get {scheme}://{http.get('host', '')}:{http['port']}/{http.get('path', '').lstrip('/')}"
    if tcp := action.get("tcpSocket"):
        return f"tcp-socket {tcp.get('host', '')}:{tcp['port']}"
    if grpc := action.get("grpc"):
        return f"grpc <pod>:{grpc['port']} {grpc.get('service') or ''}"
    return "unknown"


def _write_env_from(writer: Writer, sources: Sequence[Object]) -> None:
    if not sources:
        return
    writer.line("Environment Variables from:", 2)
    for source in sources:
        kind, reference = ("ConfigMap", source.get("configMapRef")) if source.get("configMapRef") else (
            "Secret", source.get("secretRef") or {}
        )  # fmt: skip
        prefix = f" with prefix '{source['prefix']}'" if source.get("prefix") else ""
        optional = truth((reference or {}).get("optional"))
        writer.line(f"{(reference or {}).get('name', '')}\t{kind}{prefix}\tOptional: {optional}", 3)


def _write_env(writer: Writer, container: Object, resolver: Resolver | None) -> None:
    variables = container.get("env") or ()
    writer.line("Environment:" + ("" if variables else f"\t{NONE}"), 2)
    for variable in variables:
        if "valueFrom" in variable:
            writer.line(f"{variable['name']}:\t{_source_text(container, variable['valueFrom'], resolver)}", 3)
            continue
        first, *rest = (variable.get("value") or "").split("\n")
        writer.line(f"{variable['name']}:\t{first}", 3)
        for line in rest:
            writer.line(f"\t{line}", 3)


def _source_text(container: Object, source: Object, resolver: Resolver | None) -> str:
    if field := source.get("fieldRef"):
        value = resolver(container, field["fieldPath"]) if resolver else ""
        return f"{value} ({field.get('apiVersion', 'v1')}:{field['fieldPath']})"
    if resource := source.get("resourceFieldRef"):
        value = _resource_value(container, resource)
        return f"{value} ({resource['resource']})"
    if key := source.get("secretKeyRef"):
        where = f"<set to the key '{key['key']}' in secret '{key.get('name', '')}'>"
        return f"{where}\tOptional: {truth(key.get('optional'))}"
    key = source.get("configMapKeyRef") or {}
    where = f"<set to the key '{key.get('key', '')}' of config map '{key.get('name', '')}'>"
    return f"{where}\tOptional: {truth(key.get('optional'))}"


def _resource_value(container: Object, reference: Object) -> str:
    from apimachinery.quantity import Quantity

    kind, _, name = reference["resource"].partition(".")
    amount = ((container.get("resources") or {}).get(kind) or {}).get(name)
    if amount is None:
        return "node allocatable" if kind == "limits" and name in ("cpu", "memory") else "0"
    quantity, divisor = Quantity.parse(amount), Quantity.parse(reference.get("divisor") or "1")
    unit = divisor.nanos or 10**9
    return str(-(-quantity.nanos // unit))


def _write_mounts(writer: Writer, container: Object) -> None:
    mounts = sorted(container.get("volumeMounts") or (), key=lambda each: str(each["mountPath"]))
    writer.line("Mounts:" + ("" if mounts else f"\t{NONE}"), 2)
    for mount in mounts:
        flags = ["ro" if mount.get("readOnly") else "rw"]
        if mount.get("subPath"):
            flags.append(f'path="{mount["subPath"]}"')
        writer.line(f"{mount['mountPath']} from {mount['name']} ({','.join(flags)})", 3)
    devices = sorted(container.get("volumeDevices") or (), key=lambda each: str(each["devicePath"]))
    if devices:
        writer.line("Devices:", 2)
        for device in devices:
            writer.line(f"{device['devicePath']} from {device['name']}", 3)
