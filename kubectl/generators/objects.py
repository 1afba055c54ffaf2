"""The frame of every generated object, and the small kinds."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from apimachinery import names
from apimachinery.labels import parse_selector
from apimachinery.objects import Object
from kubectl.failures import CommandError


def named(kind: str, api_version: str, name: str, labels: dict[str, str] | None = None) -> Object:
    """kubectl writes a null creationTimestamp into what it makes."""
    metadata: Object = {"name": name, "creationTimestamp": None}
    if labels:
        metadata["labels"] = labels
    return {"kind": kind, "apiVersion": api_version, "metadata": metadata}


def number_or_text(value: str) -> int | str:
    return int(value) if value.isdigit() else value


def namespace(name: str) -> Object:
    return {**named("Namespace", "v1", name), "spec": {}, "status": {}}


def service_account(name: str) -> Object:
    return named("ServiceAccount", "v1", name)


def read_pairs(literals: Sequence[str], files: Sequence[str], env_files: Sequence[str]) -> dict[str, bytes]:
    """Keys and contents of --from-literal, --from-file and --from-env-file. Raises CommandError."""
    found: dict[str, bytes] = {}
    for literal in literals:
        key, equals, value = literal.partition("=")
        if not equals or not key:
            raise CommandError(f"invalid literal source {literal}, expected key=value")
        _add(found, key, value.encode())
    for source in files:
        for key, path in _file_sources(source):
            _add(found, key, path.read_bytes())
    for source in env_files:
        for key, text in _env_lines(source):
            _add(found, key, text.encode())
    return found


def _add(found: dict[str, bytes], key: str, value: bytes) -> None:
    if errors := names.is_config_map_key(key):
        raise CommandError(f'"{key}" is not a valid key name for a ConfigMap: {",".join(errors)}')
    if key in found:
        raise CommandError(
            f'cannot add key "{key}", another key by that name already exists in Data for ConfigMap'
        )
    found[key] = value


def _file_sources(source: str) -> list[tuple[str, Path]]:
    key, equals, rest = source.partition("=")
    path = Path(rest if equals else source)
    if not path.exists():
        raise CommandError(f"error reading {path}: no such file or directory")
    if path.is_dir():
        if equals:
            raise CommandError("cannot give a key name for a directory path")
        return [(each.name, each) for each in sorted(path.iterdir()) if each.is_file()]
    return [(key if equals else path.name, path)]


def _env_lines(source: str) -> list[tuple[str, str]]:
    lines = (line.strip() for line in Path(source).read_text().splitlines())
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return [(key, value) for key, _, value in pairs]


def config_map(name: str, pairs: dict[str, bytes]) -> Object:
    obj = named("ConfigMap", "v1", name)
    data: dict[str, str] = {}
    binary: dict[str, str] = {}
    for key, content in pairs.items():
        try:
            data[key] = content.decode()
        except UnicodeDecodeError:
            binary[key] = base64.b64encode(content).decode()
    return obj | ({"data": data} if data else {}) | ({"binaryData": binary} if binary else {})


def secret(name: str, pairs: dict[str, bytes], kind: str = "") -> Object:
    obj = named("Secret", "v1", name)
    if pairs:
        obj["data"] = {key: base64.b64encode(content).decode() for key, content in pairs.items()}
    return obj | ({"type": kind} if kind else {})


def tls_secret(name: str, certificate: str, key: str) -> Object:
    if not certificate or not key:
        raise CommandError("key and cert must be specified")
    return secret(
        name,
        {"tls.crt": Path(certificate).read_bytes(), "tls.key": Path(key).read_bytes()},
        "kubernetes.io/tls",
    )


REGISTRY_SECRET = "kubernetes.io/dockerconfigjson"


def registry_secret(name: str, server: str, user: str, password: str, email: str) -> Object:
    import json

    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    entry = {"username": user, "password": password, **({"email": email} if email else {}), "auth": token}
    config = json.dumps({"auths": {server: entry}}, separators=(",", ":"))
    return secret(name, {".dockerconfigjson": config.encode()}, REGISTRY_SECRET)


def resource_quota(name: str, hard: str, scopes: str = "") -> Object:
    spec: Object = {}
    if hard:
        spec["hard"] = dict(part.split("=", 1) for part in hard.split(","))
    if scopes:
        spec["scopes"] = scopes.split(",")
    return {**named("ResourceQuota", "v1", name), "spec": spec, "status": {}}


def priority_class(name: str, value: int, *, default: bool, description: str, preemption: str) -> Object:
    obj = named("PriorityClass", "scheduling.k8s.io/v1", name)
    obj["value"] = value
    if default:
        obj["globalDefault"] = True
    return {**obj, "description": description, "preemptionPolicy": preemption}


_OPERATORS = {"in": "In", "notin": "NotIn", "exists": "Exists", "!": "DoesNotExist"}


def label_selector(text: str) -> Object:
    """`a=b,c in (d,e),f` as a LabelSelector. Raises CommandError."""
    try:
        requirements = parse_selector(text).requirements
    except ValueError as error:
        raise CommandError(f'couldn\'t parse the selector string "{text}": {error}') from None
    selector: Object = {}
    for each in requirements:
        if each.operator in ("=", "=="):
            selector.setdefault("matchLabels", {})[each.key] = each.values[0]
            continue
        if each.operator not in _OPERATORS:
            raise CommandError(f'"{each.operator}" is not a valid label selector operator')
        expression: Object = {"key": each.key, "operator": _OPERATORS[each.operator]}
        if each.values:
            expression["values"] = sorted(each.values)
        selector.setdefault("matchExpressions", []).append(expression)
    return selector


def disruption_budget(name: str, selector: str, minimum: str, maximum: str) -> Object:
    if not selector:
        raise CommandError("a selector must be specified")
    if minimum and maximum:
        raise CommandError("min-available and max-unavailable cannot be both specified")
    if not minimum and not maximum:
        raise CommandError("one of min-available or max-unavailable must be specified")
    amount = {"minAvailable": minimum} if minimum else {"maxUnavailable": maximum}
    spec: Object = {key: number_or_text(value) for key, value in amount.items()}
    spec["selector"] = label_selector(selector)
    status = {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0}
    return {**named("PodDisruptionBudget", "policy/v1", name), "spec": spec, "status": status}
