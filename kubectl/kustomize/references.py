"""Names inside objects that mean other objects, brought up to date once all names are known.

Source: sigs.k8s.io/kustomize/api/filters/nameref, api/internal/konfig/builtinpluginconsts/namereference.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

from apimachinery.objects import Object, get_path, name_of, namespace_of
from kubectl.failures import CommandError
from kubectl.kustomize.fields import Field, change
from kubectl.kustomize.resource import Resource

_TEMPLATES = {
    "Pod": "spec",
    "PodTemplate": "template/spec",
    "ReplicationController": "spec/template/spec",
    "Deployment": "spec/template/spec",
    "ReplicaSet": "spec/template/spec",
    "DaemonSet": "spec/template/spec",
    "StatefulSet": "spec/template/spec",
    "Job": "spec/template/spec",
    "CronJob": "spec/jobTemplate/spec/template/spec",
}
_WITH_DATA = tuple(kind for kind in _TEMPLATES if kind != "ReplicationController")
_WITH_IDENTITY = tuple(kind for kind in _TEMPLATES if kind not in ("PodTemplate", "ReplicaSet"))


class Referred(NamedTuple):
    """A kind, and the fields of others that name its objects."""

    kind: str
    fields: Sequence[Field]
    group: str = ""
    version: str = ""


def _in_pods(kinds: Sequence[str], *paths: str) -> list[Field]:
    return [Field(f"{_TEMPLATES[kind]}/{path}", kind) for kind in kinds for path in paths]


def _in_containers(what: str) -> list[str]:
    return [
        f"{containers}/{path}/name"
        for containers in ("containers", "initContainers")
        for path in (f"env/valueFrom/{what}KeyRef", f"envFrom/{what}Ref")
    ]


_RBAC, _ADMISSION = "rbac.authorization.k8s.io", "admissionregistration.k8s.io"
_NGINX = r"metadata/annotations/nginx.ingress.kubernetes.io\/"
REFERRED = (
    *(
        Referred(kind, [Field("spec/scaleTargetRef/name", "HorizontalPodAutoscaler")])
        for kind in ("Deployment", "ReplicationController", "ReplicaSet", "StatefulSet")
    ),
    Referred(
        "ConfigMap",
        [
            *_in_pods(
                _WITH_DATA,
                "volumes/configMap/name",
                *_in_containers("configMap"),
                "volumes/projected/sources/configMap/name",
            ),
            Field("spec/configSource/configMap", "Node"),
            Field("rules/resourceNames", "Role"),
            Field("rules/resourceNames", "ClusterRole"),
            Field(f"{_NGINX}fastcgi-params-configmap", "Ingress"),
        ],
        version="v1",
    ),
    Referred(
        "Secret",
        [
            *_in_pods(
                _WITH_DATA,
                "volumes/secret/secretName",
                *_in_containers("secret"),
                "imagePullSecrets/name",
                "volumes/projected/sources/secret/name",
            ),
            Field("spec/tls/secretName", "Ingress"),
            Field(r"metadata/annotations/ingress.kubernetes.io\/auth-secret", "Ingress"),
            Field(f"{_NGINX}auth-secret", "Ingress"),
            Field(f"{_NGINX}auth-tls-secret", "Ingress"),
            Field("imagePullSecrets/name", "ServiceAccount"),
            *(
                Field(f"parameters/{key}", "StorageClass")
                for key in ("secretName", "adminSecretName", "userSecretName", "secretRef")
            ),
            Field("rules/resourceNames", "Role"),
            Field("rules/resourceNames", "ClusterRole"),
            Field(
                "spec/template/spec/containers/env/valueFrom/secretKeyRef/name",
                "Service",
                "serving.knative.dev",
                "v1",
            ),
            Field("spec/azureFile/secretName", "PersistentVolume"),
        ],
        version="v1",
    ),
    Referred(
        "Service",
        [
            Field("spec/serviceName", "StatefulSet", "apps"),
            Field("spec/rules/http/paths/backend/serviceName", "Ingress"),
            Field("spec/backend/serviceName", "Ingress"),
            Field("spec/rules/http/paths/backend/service/name", "Ingress"),
            Field("spec/defaultBackend/service/name", "Ingress"),
            Field("spec/service/name", "APIService", "apiregistration.k8s.io"),
            Field("webhooks/clientConfig/service", "ValidatingWebhookConfiguration", _ADMISSION),
            Field("webhooks/clientConfig/service", "MutatingWebhookConfiguration", _ADMISSION),
        ],
        version="v1",
    ),
    Referred("Role", [Field("roleRef/name", "RoleBinding", _RBAC)], _RBAC),
    Referred(
        "ClusterRole",
        [Field("roleRef/name", kind, _RBAC) for kind in ("RoleBinding", "ClusterRoleBinding")],
        _RBAC,
    ),
    Referred(
        "ServiceAccount",
        [
            Field("subjects", "RoleBinding", _RBAC),
            Field("subjects", "ClusterRoleBinding", _RBAC),
            *_in_pods(_WITH_IDENTITY, "serviceAccountName"),
        ],
        version="v1",
    ),
    Referred(
        "PersistentVolumeClaim",
        _in_pods(_WITH_IDENTITY, "volumes/persistentVolumeClaim/claimName"),
        version="v1",
    ),
    Referred(
        "PersistentVolume",
        [Field("spec/volumeName", "PersistentVolumeClaim"), Field("rules/resourceNames", "ClusterRole")],
        version="v1",
    ),
    Referred(
        "StorageClass",
        [
            Field("spec/storageClassName", "PersistentVolume"),
            Field("spec/storageClassName", "PersistentVolumeClaim"),
            Field("spec/volumeClaimTemplates/spec/storageClassName", "StatefulSet"),
        ],
        "storage.k8s.io",
        "v1",
    ),
    Referred("PriorityClass", _in_pods(_WITH_IDENTITY, "priorityClassName"), "scheduling.k8s.io", "v1"),
    Referred(
        "ValidatingAdmissionPolicy",
        [Field("spec/policyName", "ValidatingAdmissionPolicyBinding", _ADMISSION)],
        _ADMISSION,
    ),
)


def update(resources: Sequence[Resource]) -> None:
    """Raises CommandError where a name may mean several objects."""
    for referrer in resources:
        candidates = _visible_from(referrer, resources)
        for referred in REFERRED:
            for field in referred.fields:
                if field.is_in(referrer.original):
                    new = partial(_updated, referrer, referred, field, candidates)
                    change(referrer.obj, [field], referrer.id, new)


def _visible_from(referrer: Resource, resources: Sequence[Resource]) -> list[Resource]:
    """What has no namespace may mean anything; others what is beside them, or a subject's."""
    if referrer.id.is_cluster_scoped:
        return list(resources)
    spaces = {referrer.id.effective_namespace}
    if referrer.id.kind == "RoleBinding":
        spaces |= {each.get("namespace") or "default" for each in referrer.obj.get("subjects") or ()}
    return [each for each in resources if each.id.is_cluster_scoped or each.id.effective_namespace in spaces]


def _updated(
    referrer: Resource, referred: Referred, field: Field, candidates: Sequence[Resource], value: Any
) -> Any:
    if isinstance(value, list):
        return [_updated(referrer, referred, field, candidates, each) for each in value]
    if isinstance(value, dict):
        return _updated_map(referrer, referred, field, candidates, value)
    found = _referral(referrer, referred, field, candidates, value)
    return value if found is None else name_of(found.obj)


def _updated_map(
    referrer: Resource, referred: Referred, field: Field, candidates: Sequence[Resource], value: Object
) -> Object:
    """A map that says name and namespace."""
    if "name" not in value:
        raise CommandError(
            f"updating name reference in '{field.path}' field of '{referrer.id}': "
            "path config error; no 'name' field in node"
        )
    if namespace := value.get("namespace"):
        before = [each for each in candidates if each.original.effective_namespace == namespace]
        now = [each for each in candidates if each.id.effective_namespace == namespace]
        candidates = before or now
    found = _referral(referrer, referred, field, candidates, value["name"])
    if found is None:
        return value
    inside = namespace_of(found.obj)
    return {**value, "name": name_of(found.obj), **({"namespace": inside} if inside else {})}


def _referral(
    referrer: Resource, referred: Referred, field: Field, candidates: Sequence[Resource], name: Any
) -> Resource | None:
    """The one object that had this name and fits; None if there is none."""
    found = [each for each in candidates if _was(each, referred, name)]
    if field.path.endswith("roleRef/name"):
        kind = get_path(referrer.obj, "roleRef.kind", "")
        found = [each for each in found if any(id.is_of(kind) for id in each.former)]
    found = [each for each in found if _is_near(referrer, each)]
    if len(found) > 1:
        found = [each for each in found if _same_affixes(referrer, each, or_none=True)]
    if len(found) > 1:
        found = [each for each in found if _same_affixes(referrer, each, or_none=False)]
    if len({name_of(each.obj) for each in found}) > 1:
        ids = ", ".join(str(each.id) for each in found)
        raise CommandError(
            f"updating name reference in '{field.path}' field of '{referrer.id}': "
            f"found multiple possible referrals: {ids}"
        )
    return found[0] if found else None


def _was(each: Resource, referred: Referred, name: Any) -> bool:
    """What was never renamed needs no update."""
    return any(id.name == name for id in each.former) and any(
        id.is_of(referred.kind, referred.group, referred.version) for id in each.former
    )


def _is_near(referrer: Resource, each: Resource) -> bool:
    return (
        referrer.id.is_cluster_scoped
        or each.id.is_cluster_scoped
        or each.id.kind == "ServiceAccount"
        or referrer.id.effective_namespace == each.id.effective_namespace
    )


def _same_affixes(one: Resource, other: Resource, *, or_none: bool) -> bool:
    pairs = ((one.prefixes, other.prefixes), (one.suffixes, other.suffixes))
    return all((or_none and not (mine and theirs)) or _same_end(mine, theirs) for mine, theirs in pairs)


def _same_end(one: list[str], other: list[str]) -> bool:
    length = min(len(one), len(other))
    return one[len(one) - length :] == other[len(other) - length :]
