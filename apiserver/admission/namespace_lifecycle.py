"""NamespaceLifecycle: nothing is created where there is no namespace, or where it is going away.

Source: staging/src/k8s.io/apiserver/pkg/admission/plugin/namespace/lifecycle/admission.go of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from apimachinery.errors import ForbiddenError, NotFoundError
from apimachinery.scheme import LOCAL_SUBJECT_ACCESS_REVIEWS, NAMESPACES, Resource
from apiserver.admission.attributes import Attributes, Operation
from apiserver.admission.refusal import refuse
from apiserver.storage.cached import PhaseLookup

_IMMORTAL = frozenset(("default", "kube-system", "kube-public"))


class NamespaceLifecycle:
    name = "NamespaceLifecycle"

    def __init__(self, phase_of: PhaseLookup, fresh: Callable[[], Awaitable[object]]) -> None:
        """`fresh` returns when `phase_of` knows all that is stored now."""
        self._phase_of = phase_of
        self._fresh = fresh

    def handles(self, operation: Operation, resource: Resource, subresource: str) -> bool:
        if resource == NAMESPACES:
            return operation == "DELETE"
        # To say whether a namespace is there would tell those who may not know.
        is_question = resource == LOCAL_SUBJECT_ACCESS_REVIEWS
        return resource.namespaced and not is_question and operation in ("CREATE", "UPDATE")

    async def admit(self, attributes: Attributes) -> None:
        if attributes.resource == NAMESPACES:
            if attributes.name in _IMMORTAL:
                raise ForbiddenError(NAMESPACES, attributes.name, "this namespace may not be deleted")
            return
        phase = self._phase_of(attributes.namespace)
        if phase is None:
            # It may have been made a moment ago, through another apiserver.
            await self._fresh()
            phase = self._phase_of(attributes.namespace)
        if phase is None:
            raise NotFoundError(NAMESPACES, attributes.namespace)
        if attributes.operation == "CREATE" and phase == "Terminating":
            raise _terminating(attributes)


def _terminating(attributes: Attributes) -> ForbiddenError:
    """Controllers recognize this refusal by its cause, and stop trying."""
    namespace = attributes.namespace
    error = refuse(
        attributes, f"unable to create new content in namespace {namespace} because it is being terminated"
    )
    error.details["causes"] = [
        {
            "reason": "NamespaceTerminating",
            "message": f"namespace {namespace} is being terminated",
            "field": "metadata.namespace",
        }
    ]
    return error
