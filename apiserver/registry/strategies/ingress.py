"""Ingresses and their classes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from apimachinery import names
from apimachinery.field import ErrorList, Errors, Path, forbidden, invalid, not_supported, required, too_long
from apimachinery.objects import Object, annotations_of, get_path
from apiserver.registry.strategies.checks import (
    dns_label,
    domain_prefixed_path,
    immutable,
    matches,
    one_of,
    port_number,
    present,
    required_match,
    valid_ip,
)
from apiserver.registry.strategies.podspec.defaults import fill_absent
from apiserver.registry.strategies.service_validation import ingress_hostname
from apiserver.registry.strategies.tables import NONE, age, columns, ingress_addresses
from apiserver.registry.strategy import Column, Strategy

_SPEC = Path("spec")
_CLASS = "kubernetes.io/ingress.class"
_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_NOT_IN_PATHS = ("//", "/./", "/../", "%2f", "%2F")
_NOT_AT_THE_END = ("/..", "/.")


class IngressStrategy(Strategy):
    columns: Sequence[Column] = columns("Class", "Hosts", "Address", "Ports")

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = {"loadBalancer": {}}

    def validate(self, obj: Object) -> ErrorList:
        spec = obj.get("spec") or {}
        errors = list(_validate_spec(spec))
        annotation = annotations_of(obj).get(_CLASS)
        if annotation is not None and spec.get("ingressClassName") is not None:
            at = Path("annotations", _CLASS)
            errors.append(invalid(at, annotation, "can not be set when the class field is also set"))
        return errors

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return list(_validate_spec(new.get("spec") or {}))

    def validate_status_update(self, new: Object, old: Object) -> ErrorList:
        errors: ErrorList = []
        at = Path("status", "loadBalancer", "ingress")
        for index, ingress in enumerate(get_path(new, "status.loadBalancer.ingress", ())):
            if ingress.get("ip"):
                errors += valid_ip(ingress["ip"], at.index(index).child("ip"))
            errors += ingress_hostname(ingress.get("hostname") or "", at.index(index).child("hostname"))
        return errors

    def warnings(self, obj: Object, old: Object | None) -> list[str]:
        if old is None and _CLASS in annotations_of(obj):
            return [f"annotation \"{_CLASS}\" is deprecated, please use 'spec.ingressClassName' instead"]
        return []

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        spec = obj.get("spec") or {}
        return [
            obj["metadata"]["name"],
            spec.get("ingressClassName") or NONE,
            _hosts_text([rule.get("host") or "" for rule in spec.get("rules") or ()]),
            ",".join(ingress_addresses(obj)),
            "80, 443" if spec.get("tls") else "80",
            age(obj, now),
        ]


def _hosts_text(hosts: Sequence[str]) -> str:
    shown: list[str] = []
    for host in hosts:
        if len(shown) == 3:
            return f"{','.join(shown)} + {len(hosts) - 3} more..."
        shown += [host] if host else []
    return ",".join(shown) or "*"


def _validate_spec(spec: Object) -> Errors:
    rules, backend = spec.get("rules") or [], spec.get("defaultBackend")
    if not rules and backend is None:
        yield invalid(_SPEC, [], "either `defaultBackend` or `rules` must be specified")
    if backend is not None:
        yield from _backend(backend, _SPEC.child("defaultBackend"))
    for index, rule in enumerate(rules):
        yield from _rule(rule, _SPEC.child("rules").index(index))
    for index, tls in enumerate(spec.get("tls") or ()):
        at = _SPEC.child("tls").index(index)
        for place, host in enumerate(tls.get("hosts") or ()):
            yield from _host(host, at.child("hosts").index(place))
        if tls.get("secretName"):
            yield from matches(tls["secretName"], at.child("secretName"), names.is_dns1123_subdomain)
    if spec.get("ingressClassName") is not None:
        at = _SPEC.child("ingressClassName")
        yield from matches(spec["ingressClassName"], at, names.is_dns1123_subdomain)


def _host(host: str, path: Path) -> Errors:
    check = names.is_wildcard_dns1123_subdomain if "*" in host else names.is_dns1123_subdomain
    return matches(host, path, check)


def _rule(rule: Object, path: Path) -> Errors:
    host = rule.get("host") or ""
    if host:
        if not names.is_valid_ip(host):
            yield invalid(path.child("host"), host, "must be a DNS name, not an IP address")
        yield from _host(host, path.child("host"))
    if rule.get("http") is None:
        return
    paths, at = rule["http"].get("paths") or [], path.child("http", "paths")
    if not paths:
        yield required(at)
    for index, each in enumerate(paths):
        yield from _http_path(each, at.index(index))


def _http_path(http_path: Object, path: Path) -> Errors:
    sort, text, at = http_path.get("pathType"), http_path.get("path") or "", path.child("path")
    if sort is None:
        yield required(path.child("pathType"), "pathType must be specified")
        return
    if sort in ("Exact", "Prefix"):
        if not text.startswith("/"):
            yield invalid(at, text, "must be an absolute path")
        for part in _NOT_IN_PATHS:
            if part in text:
                yield invalid(at, text, f"must not contain '{part}'")
        for part in _NOT_AT_THE_END:
            if text.endswith(part):
                yield invalid(at, text, f"cannot end with '{part}'")
    elif sort == "ImplementationSpecific":
        if text and not text.startswith("/"):
            yield invalid(at, text, "must be an absolute path")
    else:
        yield not_supported(path.child("pathType"), sort, _PATH_TYPES)
    yield from _backend(http_path.get("backend") or {}, path.child("backend"))


def _backend(backend: Object, path: Path) -> Errors:
    service, resource = backend.get("service"), backend.get("resource")
    if service is not None and resource is not None:
        yield invalid(path, "", "cannot set both resource and service backends")
    elif resource is not None:
        at = path.child("resource")
        if not resource.get("apiGroup") and resource.get("apiGroup") is not None:
            yield required(at.child("apiGroup"))
        yield from present(resource, at, "kind", "name")
    elif service is not None:
        yield from _service_backend(service, path)
    else:
        yield invalid(path, "", "resource or service backend is required")


def _service_backend(service: Object, path: Path) -> Errors:
    at, port = path.child("service"), service.get("port") or {}
    yield from required_match(service.get("name"), at.child("name"), names.is_dns1035_label)
    name, number = port.get("name"), port.get("number")
    if name and number:
        yield invalid(path, "", "cannot set both port name & port number")
    elif name:
        yield from matches(name, at.child("port", "name"), names.is_port_name)
    elif number:
        yield from port_number(number, at.child("port", "number"))
    else:
        yield required(path, "port name or number is required")


class IngressClassStrategy(Strategy):
    has_status = False
    columns: Sequence[Column] = columns("Controller", "Parameters")

    def default(self, obj: Object) -> None:
        parameters = get_path(obj, "spec.parameters")
        if parameters is not None:
            fill_absent(parameters, {"scope": "Cluster"})

    def validate(self, obj: Object) -> ErrorList:
        spec = obj.get("spec") or {}
        errors = list(_controller(spec.get("controller") or "", _SPEC.child("controller")))
        if spec.get("parameters") is not None:
            errors += _parameters(spec["parameters"], _SPEC.child("parameters"))
        return errors

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        now, before = get_path(new, "spec.controller"), get_path(old, "spec.controller")
        return [*self.validate(new), *immutable(now, before, _SPEC.child("controller"))]

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        parameters = get_path(obj, "spec.parameters")
        shown = NONE
        if parameters:
            group = parameters.get("apiGroup")
            kind = f"{parameters['kind']}.{group}" if group else parameters["kind"]
            shown = f"{kind}/{parameters['name']}"
        controller = get_path(obj, "spec.controller", "")
        return [obj["metadata"]["name"], controller, shown, age(obj, now)]


def _controller(controller: str, path: Path) -> Errors:
    if len(controller) > 250:
        yield too_long(path, controller, 250)
    yield from domain_prefixed_path(controller, path)


def _parameters(parameters: Object, path: Path) -> Errors:
    yield from present(parameters, path, "kind", "name")
    scope, namespace = parameters.get("scope"), parameters.get("namespace")
    yield from one_of(scope, path.child("scope"), ("Cluster", "Namespace"))
    if scope == "Namespace":
        at, detail = path.child("namespace"), "`parameters.scope` is set to 'Namespace'"
        if not namespace:
            yield required(at, detail)
        else:
            yield from dns_label(namespace, at)
    elif scope == "Cluster" and namespace is not None:
        yield forbidden(path.child("namespace"), "`parameters.scope` is set to 'Cluster'")
