"""The name servers, search domains and options of a pod. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from apimachinery.objects import Object, get_path, name_of, namespace_of
from component_base.resolv_conf import ResolvConf

CLUSTER_OPTIONS = ("ndots:5",)
MAX_NAME_SERVERS, MAX_SEARCHES, MAX_SEARCH_LENGTH = 3, 32, 2048


def pod_dns(pod: Object, host: ResolvConf, cluster_dns: Sequence[str], cluster_domain: str) -> ResolvConf:
    spec = pod.get("spec") or {}
    base = _of_policy(pod, host, cluster_dns, cluster_domain)
    return _limited(_merged(base, spec.get("dnsConfig") or {}))


def _policy(pod: Object) -> str:
    spec = pod.get("spec") or {}
    policy = spec.get("dnsPolicy") or "ClusterFirst"
    if policy == "ClusterFirstWithHostNet":
        return "ClusterFirst"
    if policy == "ClusterFirst" and spec.get("hostNetwork"):
        return "Default"
    return str(policy)


def _of_policy(pod: Object, host: ResolvConf, cluster_dns: Sequence[str], domain: str) -> ResolvConf:
    policy = _policy(pod)
    if policy == "None":
        return ResolvConf()
    if policy == "Default" or not cluster_dns:
        return host
    return ResolvConf(tuple(cluster_dns), _cluster_searches(namespace_of(pod), domain, host), CLUSTER_OPTIONS)


def _cluster_searches(namespace: str, domain: str, host: ResolvConf) -> tuple[str, ...]:
    if not domain:
        return host.searches
    own = (f"{namespace}.svc.{domain}", f"svc.{domain}", domain)
    return _unique([*own, *host.searches])


def _merged(base: ResolvConf, config: Object) -> ResolvConf:
    options = {option.partition(":")[0]: option for option in base.options}
    for option in config.get("options") or ():
        value = option.get("value")
        options[option["name"]] = option["name"] if value in (None, "") else f"{option['name']}:{value}"
    return ResolvConf(
        _unique([*base.servers, *(config.get("nameservers") or ())]),
        _unique([*base.searches, *(config.get("searches") or ())]),
        tuple(options.values()),
    )


def _limited(dns: ResolvConf) -> ResolvConf:
    searches = list(dns.searches[:MAX_SEARCHES])
    while len(" ".join(searches)) > MAX_SEARCH_LENGTH:
        searches.pop()
    return ResolvConf(dns.servers[:MAX_NAME_SERVERS], tuple(searches), dns.options)


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


def hostname_of(pod: Object) -> str:
    """Host names end at 63 characters, and not on a dash or dot; one that overrides it is taken whole."""
    if override := get_path(pod, "spec.hostnameOverride"):
        return str(override)
    name = (pod.get("spec") or {}).get("hostname") or name_of(pod)
    return str(name)[:63].rstrip("-.")


def domain_of(pod: Object, cluster_domain: str) -> str:
    """The domain of a pod with a subdomain; empty for any other, and where the host name is overridden."""
    subdomain = None if get_path(pod, "spec.hostnameOverride") else get_path(pod, "spec.subdomain")
    return f"{subdomain}.{namespace_of(pod)}.svc.{cluster_domain}" if subdomain else ""


def sandbox_hostname(pod: Object, cluster_domain: str) -> str:
    domain = domain_of(pod, cluster_domain)
    if get_path(pod, "spec.setHostnameAsFQDN") and domain:
        return f"{hostname_of(pod)}.{domain}"
    return hostname_of(pod)
