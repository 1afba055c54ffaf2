"""The parameters of a binding: objects of any kind, by name or by labels.

Source: CollectParams of staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/generic in Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from apimachinery.labels import selector_from_label_selector
from apimachinery.objects import Object, labels_of
from apiserver.admission.policies.policy import Binding, Policy


class ParamsError(Exception):
    """The binding cannot be used; the message is upstream's."""


class ParamKind(Protocol):
    """Reads the objects of one kind."""

    is_namespaced: bool
    plural: str

    async def get(self, namespace: str, name: str) -> Object | None: ...
    async def list(self, namespace: str) -> list[Object]: ...


FindKind = Callable[[str, str], Awaitable[ParamKind | None]]
"""find(apiVersion, kind)"""


async def collect_params(
    policy: Policy, binding: Binding, namespace: str, find: FindKind
) -> Sequence[Object | None]:
    """What the policy is evaluated with, one after the other; None is no parameter. Raises ParamsError."""
    reference = binding.param_ref
    if policy.param_kind is None or reference is None:
        return [None]
    kind = await find(*policy.param_kind)
    if kind is None:
        api_version, name = policy.param_kind
        what = f"{api_version}, Kind={name}"
        raise ParamsError(f"failed to find resource referenced by paramKind: '{what}'")
    found = await _find(kind, reference, _namespace(kind, reference, namespace))
    if not found and reference.get("parameterNotFoundAction") == "Deny":
        raise ParamsError("no params found for policy binding with `Deny` parameterNotFoundAction")
    return found


def _namespace(kind: ParamKind, reference: Object, of_write: str) -> str:
    wanted: str = reference.get("namespace") or ""
    if not kind.is_namespaced:
        if wanted:
            raise ParamsError("paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
        return ""
    if not wanted and not of_write:
        raise ParamsError(
            "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources"
        )
    return wanted or of_write


async def _find(kind: ParamKind, reference: Object, namespace: str) -> list[Object]:
    if reference.get("name"):
        found = await kind.get(namespace, reference["name"])
        return [] if found is None else [found]
    selector = selector_from_label_selector(reference.get("selector") or {})
    return [each for each in await kind.list(namespace) if selector.matches(labels_of(each))]
