"""Who lets a policy read parameters must be allowed to read them himself.

Source: pkg/registry/admissionregistration/validatingadmissionpolicy{,binding}/authz.go of Kubernetes 1.34.
"""

from __future__ import annotations

from apimachinery.errors import InvalidError
from apimachinery.field import Path, forbidden
from apimachinery.objects import Object, get_path
from apimachinery.scheme import VALIDATING_ADMISSION_POLICIES, VALIDATING_ADMISSION_POLICY_BINDINGS, Resource
from apiserver.admission.attributes import Attributes, Operation
from apiserver.admission.policies.params import FindKind
from apiserver.auth.attributes import Attributes as Question
from apiserver.auth.authorizer import MASTERS, Authorizer
from apiserver.request import UserInfo
from apiserver.storage.cached import Lookup


class PolicyParamRights:
    """Works as a validating plugin, though upstream has it in the registry of these kinds."""

    name = "PolicyParamRights"

    def __init__(self, authorizer: Authorizer, lookup: Lookup, find: FindKind) -> None:
        self._authorizer = authorizer
        self._lookup = lookup
        self._find = find

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        kinds = (VALIDATING_ADMISSION_POLICIES, VALIDATING_ADMISSION_POLICY_BINDINGS)
        return operation in ("CREATE", "UPDATE") and resource in kinds and not subresource

    async def validate(self, attributes: Attributes) -> None:
        if attributes.object is None or MASTERS in attributes.user.groups:
            return
        if attributes.resource == VALIDATING_ADMISSION_POLICIES:
            await self._check_policy(attributes, attributes.object)
        else:
            await self._check_binding(attributes, attributes.object)

    async def _check_policy(self, attributes: Attributes, policy: Object) -> None:
        kind = get_path(policy, "spec.paramKind")
        if kind is None or kind == get_path(attributes.old_object or {}, "spec.paramKind"):
            return
        if not await self._may_get(attributes.user, kind, "*", "*"):
            raise _refusal(
                attributes,
                "paramKind",
                'must have "get" permission on all objects of the referenced paramKind '
                f"(kind={kind.get('kind')}, apiVersion={kind.get('apiVersion')})",
            )

    async def _check_binding(self, attributes: Attributes, binding: Object) -> None:
        """With every update, even if it changes nothing."""
        reference = get_path(binding, "spec.paramRef")
        if reference is None:
            return
        policy = self._lookup(VALIDATING_ADMISSION_POLICIES, "", get_path(binding, "spec.policyName", ""))
        kind = get_path(policy or {}, "spec.paramKind")
        namespace, name = reference.get("namespace") or "", reference.get("name") or ""
        if not await self._may_get(attributes.user, kind, namespace, name):
            why = 'does not have "get" permission on the object referenced by paramRef'
            raise _refusal(attributes, "paramRef", why)

    async def _may_get(self, user: UserInfo, kind: Object | None, namespace: str, name: str) -> bool:
        """Of a kind that nobody knows everything must be readable."""
        group = version = plural = "*"
        if kind is not None:
            group, _, version = kind["apiVersion"].rpartition("/")
            found = await self._find(kind["apiVersion"], kind["kind"])
            plural = found.plural if found is not None else "*"
        question = Question(user, "get", namespace, group, version, plural, "", name, is_resource=True)
        return (await self._authorizer.authorize(question)).allowed


def _refusal(attributes: Attributes, field: str, why: str) -> InvalidError:
    text = f"user {_as_go_prints_it(attributes.user)} {why}"
    errors = [forbidden(Path("spec", field), text)]
    return InvalidError(attributes.resource.group_kind, attributes.name, errors)


def _as_go_prints_it(user: UserInfo) -> str:
    extra = " ".join(f"{key}:[{' '.join(values)}]" for key, values in sorted(user.extra.items()))
    return f"&{{{user.name} {user.uid} [{' '.join(user.groups)}] map[{extra}]}}"
