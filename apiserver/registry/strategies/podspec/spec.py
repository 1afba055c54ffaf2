"""A whole PodSpec, and the template that holds one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from apimachinery import names
from apimachinery.field import Errors, Path, duplicate, forbidden, invalid, required, too_long
from apimachinery.metadata import validate_annotations, validate_labels
from apimachinery.objects import Object
from apiserver.registry.strategies.checks import (
    MAX_INT32,
    between,
    dns_subdomain,
    matches,
    one_of,
    qualified_name,
    required_match,
    valid_ip,
)
from apiserver.registry.strategies.podspec.annotations import (
    validate_pod_annotations,
    validate_profile_annotations,
)
from apiserver.registry.strategies.podspec.containers import (
    PodContext,
    validate_containers,
    validate_ephemeral_containers,
    validate_init_containers,
)
from apiserver.registry.strategies.podspec.env import validate_env_volumes
from apiserver.registry.strategies.podspec.resources import validate_pod_resources, validate_requirements
from apiserver.registry.strategies.podspec.scheduling import (
    validate_affinity,
    validate_gates,
    validate_spread_constraints,
    validate_tolerations,
)
from apiserver.registry.strategies.podspec.security import (
    validate_host_process,
    validate_host_users,
    validate_os,
    validate_pod_security,
)
from apiserver.registry.strategies.podspec.volumes import check_volumes

RESTART_POLICIES = ("Always", "OnFailure", "Never")
_MOST_HOSTNAME = 64
_DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
PREEMPTION_POLICIES = ("PreemptLowerPriority", "Never")
_SEARCH_LABEL = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?"
_SEARCH_DOMAIN = rf"{_SEARCH_LABEL}(\.{_SEARCH_LABEL})*"
_NO_SEARCH_DOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', "
    "and must start and end with an alphanumeric character"
)
_NAMES = {
    "serviceAccountName": names.is_dns1123_subdomain,
    "nodeName": names.is_dns1123_subdomain,
    "hostname": names.is_dns1123_label,
    "hostnameOverride": names.is_dns1123_subdomain,
    "subdomain": names.is_dns1123_label,
    "priorityClassName": names.is_dns1123_subdomain,
    "runtimeClassName": names.is_dns1123_subdomain,
}


def containers_with_paths(spec: Object, path: Path) -> Iterator[tuple[Object, Path]]:
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for index, container in enumerate(spec.get(field) or ()):
            yield container, path.child(field).index(index)


def validate_template(template: Object, path: Path) -> Errors:
    """A PodTemplateSpec."""
    metadata, spec = template.get("metadata") or {}, template.get("spec") or {}
    annotations = metadata.get("annotations") or {}
    at = path.child("spec")
    yield from validate_labels(metadata.get("labels") or {}, path.child("labels"))
    yield from validate_annotations(annotations, path.child("annotations"))
    yield from validate_pod_annotations(annotations, spec, path.child("annotations"))
    yield from validate_pod_spec(spec, at)
    yield from validate_profile_annotations(annotations, spec, list(containers_with_paths(spec, at)), at)
    if spec.get("ephemeralContainers"):
        detail = "ephemeral containers not allowed in pod template"
        yield forbidden(at.child("ephemeralContainers"), detail)


def validate_pod_spec(spec: Object, path: Path, *, pod_name: str = "", is_pod: bool = False) -> Errors:
    """`pod_name` and `is_pod` tell a Pod's spec from that of a template, which is checked a little less."""
    get = spec.get
    if get("terminationGracePeriodSeconds") is None:
        yield required(path.child("terminationGracePeriodSeconds"))
    volumes, wrong = check_volumes(get("volumes") or (), path.child("volumes"), pod_name)
    yield from wrong
    claims = {claim.get("name") for claim in get("resourceClaims") or () if claim.get("name")}
    yield from _resource_claims(get("resourceClaims") or (), path.child("resourceClaims"))
    yield from _all_containers(spec, volumes, claims, path)
    yield from validate_pod_resources(spec, path.child("resources"), claims)
    if get("hostNetwork"):
        yield from _host_network_ports(get("containers") or (), path.child("containers"), is_pod=is_pod)
    yield from one_of(get("restartPolicy"), path.child("restartPolicy"), RESTART_POLICIES)
    yield from one_of(get("dnsPolicy"), path.child("dnsPolicy"), _DNS_POLICIES)
    yield from validate_labels(get("nodeSelector") or {}, path.child("nodeSelector"))
    yield from validate_pod_security(spec, path)
    yield from _pull_secrets(get("imagePullSecrets") or (), path.child("imagePullSecrets"))
    yield from _scheduling(spec, path)
    yield from _dns(get("dnsConfig"), get("dnsPolicy"), path.child("dnsConfig"))
    for index, gate in enumerate(get("readinessGates") or ()):
        at = path.child("readinessGates").index(index).child("conditionType")
        yield from qualified_name(gate.get("conditionType") or "", at)
    yield from _names_and_numbers(spec, path)
    yield from _host_aliases(get("hostAliases") or (), path.child("hostAliases"))
    if get("overhead") is not None:
        yield from validate_requirements({"limits": spec["overhead"]}, path.child("overhead"))
    containers = list(containers_with_paths(spec, path))
    yield from validate_host_process(spec, containers, path)
    yield from validate_host_users(spec, containers, path)
    if get("os") is not None:
        yield from validate_os(spec, containers, path)
    for container, at in containers:
        yield from validate_env_volumes(container.get("env") or (), volumes, at.child("env"))


def _all_containers(spec: Object, volumes: Mapping[str, Object], claims: set[str], path: Path) -> Errors:
    regular, init = spec.get("containers") or [], spec.get("initContainers") or []
    pod = PodContext(
        volumes=volumes,
        claims=claims,
        grace_period=spec.get("terminationGracePeriodSeconds"),
        restart_policy=spec.get("restartPolicy") or "",
        host_users=spec.get("hostUsers") is not False,
        os=(spec["os"].get("name") or "") if spec.get("os") is not None else None,
    )
    yield from validate_containers(regular, pod, path.child("containers"))
    yield from validate_init_containers(init, regular, pod, path.child("initContainers"))
    ephemeral = spec.get("ephemeralContainers") or ()
    at = path.child("ephemeralContainers")
    yield from validate_ephemeral_containers(ephemeral, [*regular, *init], pod, at)


def _scheduling(spec: Object, path: Path) -> Errors:
    yield from validate_affinity(spec.get("affinity") or {}, path.child("affinity"))
    yield from validate_gates(spec.get("schedulingGates") or (), path.child("schedulingGates"))
    constraints, at = spec.get("topologySpreadConstraints") or [], path.child("topologySpreadConstraints")
    yield from validate_spread_constraints(constraints, at)
    yield from validate_tolerations(spec.get("tolerations") or (), path.child("tolerations"))
    at = path.child("preemptionPolicy")
    if spec.get("preemptionPolicy") is not None:
        yield from one_of(spec["preemptionPolicy"], at, PREEMPTION_POLICIES)


def _names_and_numbers(spec: Object, path: Path) -> Errors:
    for field, check in _NAMES.items():
        if spec.get(field):
            yield from matches(spec[field], path.child(field), check)
    yield from _hostname_override(spec, path)
    yield from between(spec.get("activeDeadlineSeconds"), path.child("activeDeadlineSeconds"), 1, MAX_INT32)


def _hostname_override(spec: Object, path: Path) -> Errors:
    override, at = spec.get("hostnameOverride"), path.child("hostnameOverride")
    if not override:
        return
    for other in ("setHostnameAsFQDN", "hostNetwork"):
        if spec.get(other):
            yield forbidden(at, f"may not be specified when {other} is true")
    if len(override) > _MOST_HOSTNAME:
        yield too_long(at, override, _MOST_HOSTNAME)


def _resource_claims(claims: Sequence[Object], path: Path) -> Errors:
    seen: set[str] = set()
    for index, claim in enumerate(claims):
        at, name = path.index(index), claim.get("name") or ""
        if name in seen:
            yield duplicate(at.child("name"), name)
        else:
            yield from required_match(name, at.child("name"), names.is_dns1123_label)
        seen |= {name} - {""}
        given = [f for f in ("resourceClaimName", "resourceClaimTemplateName") if claim.get(f) is not None]
        if len(given) == 2:
            detail = "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"
            yield invalid(at, claim, detail)
        elif not given:
            detail = "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"
            yield invalid(at, claim, detail)
        for field in given:
            yield from dns_subdomain(claim[field], at.child(field))


def _host_network_ports(containers: Sequence[Object], path: Path, *, is_pod: bool) -> Errors:
    """In a template host ports may be left out: they are filled in when the pod is made."""
    for index, container in enumerate(containers):
        for place, port in enumerate(container.get("ports") or ()):
            host_port = port.get("hostPort") or 0
            if (is_pod or host_port) and host_port != port.get("containerPort"):
                at = path.index(index).child("ports").index(place).child("hostPort")
                yield invalid(at, host_port, "must match `containerPort` when `hostNetwork` is true")


def _pull_secrets(secrets: Sequence[Object], path: Path) -> Errors:
    for index, secret in enumerate(secrets):
        if secret.keys() - {"name"}:
            yield invalid(path.index(index), secret, "only name may be set")


def _host_aliases(aliases: Sequence[Object], path: Path) -> Errors:
    for index, alias in enumerate(aliases):
        yield from valid_ip(alias.get("ip") or "", path.index(index).child("ip"))
        for place, hostname in enumerate(alias.get("hostnames") or ()):
            yield from dns_subdomain(hostname, path.index(index).child("hostnames").index(place))


def _dns(config: Object | None, policy: str | None, path: Path) -> Errors:
    if policy == "None" and config is None:
        yield required(path, "must provide `dnsConfig` when `dnsPolicy` is None")
        return
    servers = (config or {}).get("nameservers") or []
    if policy == "None" and not servers:
        detail = "must provide at least one DNS nameserver when `dnsPolicy` is None"
        yield required(path.child("nameservers"), detail)
        return
    if len(servers) > 3:
        yield invalid(path.child("nameservers"), servers, "must not have more than 3 nameservers")
    for index, server in enumerate(servers):
        yield from valid_ip(server, path.child("nameservers").index(index))
    yield from _dns_searches((config or {}).get("searches") or [], path.child("searches"))
    for index, option in enumerate((config or {}).get("options") or ()):
        if not option.get("name"):
            yield required(path.child("options").index(index), "must not be empty")


def _is_search_domain(value: str) -> list[str]:
    """A subdomain in which names may hold underscores, as resolvers take them."""
    wrong = [names.max_length_message(253)] if len(value) > 253 else []
    if not re.fullmatch(_SEARCH_DOMAIN, value):
        wrong.append(names.regex_message(_NO_SEARCH_DOMAIN, _SEARCH_DOMAIN, "example.com"))
    return wrong


def _dns_searches(searches: Sequence[str], path: Path) -> Errors:
    if len(searches) > 32:
        yield invalid(path, searches, "must not have more than 32 search paths")
    if len(" ".join(searches)) > 2048:
        detail = "must not have more than 2048 characters (including spaces) in the search list"
        yield invalid(path, searches, detail)
    for index, search in enumerate(searches):
        if search != ".":
            name = search.removesuffix(".")
            yield from matches(name, path.index(index), _is_search_domain)
