"""What a PodSpec says when it says nothing: defaults, and amounts in canonical form.

Each function fills in, in place, and may run any number of times.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

from apimachinery.objects import Object
from apimachinery.pods import sum_of_resources
from apimachinery.quantity import Quantity
from apiserver.registry.strategies.podspec.claims import default_claim_spec
from apiserver.registry.strategies.podspec.resources import is_huge_page, is_overcommit_allowed

_SPEC = {
    "restartPolicy": "Always",
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
}
_PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_SOURCE_DEFAULTS: dict[str, dict[str, Any]] = {
    "secret": {"defaultMode": 0o644},
    "configMap": {"defaultMode": 0o644},
    "downwardAPI": {"defaultMode": 0o644},
    "projected": {"defaultMode": 0o644},
    "hostPath": {"type": ""},
    "iscsi": {"iscsiInterface": "default"},
    "rbd": {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"},
    "azureDisk": {"cachingMode": "ReadWrite", "fsType": "ext4", "readOnly": False, "kind": "Shared"},
    "scaleIO": {"storageMode": "ThinProvisioned", "fsType": "xfs"},
}


def fill(obj: MutableMapping[str, Any], defaults: dict[str, Any]) -> None:
    """Sets what is absent, null, empty or zero, as Go does for fields that are no pointers."""
    for field, value in defaults.items():
        if not obj.get(field):
            obj[field] = value


def fill_absent(obj: MutableMapping[str, Any], defaults: dict[str, Any]) -> None:
    """Sets what is absent or null: fields in which zero means zero."""
    for field, value in defaults.items():
        if obj.get(field) is None:
            obj[field] = value


def canonical_amounts(holder: Object | None, *fields: str) -> None:
    """Writes every amount in these maps as upstream would: `1000m` is `1`."""
    for field in fields:
        amounts = (holder or {}).get(field) or {}
        for name, value in amounts.items():
            amounts[name] = canonical(value)


def canonical(value: Any) -> Any:
    """What can't be read stays as it is; decoding has refused it already."""
    try:
        return str(Quantity.parse(value))
    except ValueError:
        return value


_WORD = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_IMAGE = re.compile(
    rf"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\d+)?/)?{_WORD}(?:/{_WORD})*"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>[A-Za-z][\w+.-]*:[0-9a-fA-F]{32,}))?"
)
"""The grammar of image references. Source: github.com/distribution/reference/regexp.go."""


def pull_policy(image: str) -> str:
    """Always for `:latest` and for no tag, unless a digest pins the image or the name can't be parsed."""
    found = _IMAGE.fullmatch(image)
    if found is None or found["digest"]:
        return "IfNotPresent"
    return "Always" if found["tag"] in (None, "latest") else "IfNotPresent"


def default_template(template: Object) -> None:
    """A PodTemplateSpec."""
    template.setdefault("metadata", {})
    default_pod_spec(template.setdefault("spec", {}))


def default_pod_spec(spec: Object) -> None:
    fill(spec, _SPEC)
    fill_absent(spec, {"terminationGracePeriodSeconds": 30, "securityContext": {}})
    mirror_service_account(spec)
    for volume in spec.get("volumes") or ():
        default_volume(volume)
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for container in spec.get(field) or ():
            _default_container(container)
    canonical_amounts(spec, "overhead")
    canonical_amounts(spec.get("resources"), "limits", "requests")


def mirror_service_account(spec: Object) -> None:
    """serviceAccount is the old name of serviceAccountName; both are always shown."""
    name = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if name:
        spec["serviceAccountName"] = spec["serviceAccount"] = name


def default_volume(volume: Object) -> None:
    if not any(value is not None for key, value in volume.items() if key != "name"):
        volume["emptyDir"] = {}
    for name, defaults in _SOURCE_DEFAULTS.items():
        if isinstance(volume.get(name), dict):
            fill_absent(volume[name], defaults)
    if (volume.get("emptyDir") or {}).get("sizeLimit") is not None:
        volume["emptyDir"]["sizeLimit"] = canonical(volume["emptyDir"]["sizeLimit"])
    _default_projections(volume)
    if isinstance(volume.get("image"), dict):
        fill(volume["image"], {"pullPolicy": pull_policy(volume["image"].get("reference") or "")})
    claim = (volume.get("ephemeral") or {}).get("volumeClaimTemplate")
    if claim:
        claim.setdefault("metadata", {})
        default_claim_spec(claim.setdefault("spec", {}))
        canonical_amounts(claim["spec"].get("resources"), "limits", "requests")


def _default_projections(volume: Object) -> None:
    files = list((volume.get("downwardAPI") or {}).get("items") or ())
    for source in (volume.get("projected") or {}).get("sources") or ():
        files += (source.get("downwardAPI") or {}).get("items") or ()
        if source.get("serviceAccountToken") is not None:
            fill_absent(source["serviceAccountToken"], {"expirationSeconds": 3600})
    for file in files:
        _default_reference(file)


def _default_reference(holder: Object) -> None:
    """fieldRef, resourceFieldRef and fileKeyRef, of files and of environment variables."""
    if holder.get("fieldRef") is not None:
        fill(holder["fieldRef"], {"apiVersion": "v1"})
    if holder.get("resourceFieldRef") is not None:
        holder["resourceFieldRef"]["divisor"] = canonical(holder["resourceFieldRef"].get("divisor") or "0")
    if holder.get("fileKeyRef") is not None:
        fill_absent(holder["fileKeyRef"], {"optional": False})


def _default_container(container: Object) -> None:
    fill(
        container,
        {
            "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
            "imagePullPolicy": pull_policy(container.get("image") or ""),
        },
    )
    if container.get("resources") is None:
        container["resources"] = {}
    canonical_amounts(container["resources"], "limits", "requests")
    for port in container.get("ports") or ():
        fill(port, {"protocol": "TCP"})
    for variable in container.get("env") or ():
        _default_reference(variable.get("valueFrom") or {})
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if container.get(name) is not None:
            _default_probe(container[name])
    for hook in ("postStart", "preStop"):
        _default_http_get((container.get("lifecycle") or {}).get(hook) or {})


def _default_probe(probe: Object) -> None:
    fill(probe, dict(_PROBE))
    _default_http_get(probe)
    if probe.get("grpc") is not None:
        fill_absent(probe["grpc"], {"service": ""})


def _default_http_get(handler: Object) -> None:
    if handler.get("httpGet") is not None:
        fill(handler["httpGet"], {"path": "/", "scheme": "HTTP"})


def default_only_pods(spec: Object) -> None:
    """What is filled in for a Pod and not yet in a template."""
    for field in ("containers", "initContainers"):
        for container in spec.get(field) or ():
            _requests_from_limits(container.get("resources") or {})
            if spec.get("hostNetwork"):
                for port in container.get("ports") or ():
                    fill(port, {"hostPort": port.get("containerPort")})
    if (spec.get("resources") or {}).get("limits"):
        _pod_requests(spec)
    fill_absent(spec, {"enableServiceLinks": True})
    if (spec.get("terminationGracePeriodSeconds") or 0) < 0:
        spec["terminationGracePeriodSeconds"] = 1


def _requests_from_limits(resources: Object) -> None:
    if resources.get("limits"):
        resources["requests"] = {**resources["limits"], **(resources.get("requests") or {})}


def _pod_requests(spec: Object) -> None:
    """Pod-level requests: what the containers ask together, else the pod's limit."""
    resources = spec["resources"]
    requests = dict(resources.get("requests") or {})
    for name, amount in sum_of_resources(spec, "requests").items():
        if _is_pod_level(name) and is_overcommit_allowed(name):
            requests.setdefault(name, str(amount))
    for name, limit in resources["limits"].items():
        if _is_pod_level(name):
            requests.setdefault(name, limit)
    resources["requests"] = requests


def _is_pod_level(name: str) -> bool:
    return name in ("cpu", "memory") or is_huge_page(name)
