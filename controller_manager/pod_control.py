"""Making and deleting the pods of a controller, with its Events, and many of them in growing batches."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from apimachinery import names
from apimachinery.errors import NotFoundError, StatusError
from apimachinery.objects import (
    Object,
    annotations_of,
    deep_copy,
    get_path,
    labels_of,
    name_of,
    namespace_of,
    owner_reference,
)
from apimachinery.scheme import PODS
from client.errors import is_namespace_terminating
from client.events import NORMAL, WARNING, EventRecorder
from client.rest import Client

Item = TypeVar("Item")
T = TypeVar("T")

BURST = 500
"""Pods made or deleted in one pass at most."""

_FIRST_BATCH = 1
_AT_ONCE = 64


class PodControl:
    """Creates and deletes pods on behalf of an owner, and says so on the owner."""

    def __init__(self, client: Client, recorder: EventRecorder) -> None:
        self._client, self._recorder = client, recorder
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def create(self, owner: Object, pod: Object) -> Object:
        try:
            async with self._slots:
                pod = await self._client.create(PODS, pod)
        except StatusError as error:
            if not is_namespace_terminating(error):
                self._recorder.event(owner, WARNING, "FailedCreate", f"Error creating: {error}")
            raise
        self._recorder.event(owner, NORMAL, "SuccessfulCreate", f"Created pod: {name_of(pod)}")
        return pod

    async def delete(self, owner: Object, pod: Object) -> Object:
        """The answer: the pod, marked. Raises NotFoundError, StatusError."""
        try:
            async with self._slots:
                answer = await self._client.delete(PODS, name_of(pod), namespace_of(pod))
        except NotFoundError:
            raise
        except StatusError as error:
            self._recorder.event(owner, WARNING, "FailedDelete", f"Error deleting: {error}")
            raise
        self._recorder.event(owner, NORMAL, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")
        return answer


def pod_from_template(owner: Object, template: Object) -> Object:
    """The pod that a template of an owner describes."""
    prefix = f"{name_of(owner)}-"
    metadata: Object = {
        "generateName": prefix if not names.is_dns1123_subdomain(f"{prefix}x") else name_of(owner),
        "namespace": namespace_of(owner),
        "labels": dict(labels_of(template)),
        "annotations": dict(annotations_of(template)),
        "finalizers": list(get_path(template, "metadata.finalizers", [])),
        "ownerReferences": [owner_reference(owner)],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {key: value for key, value in metadata.items() if value},
        "spec": deep_copy(template["spec"]),
    }


async def in_growing_batches(items: Sequence[Item], act: Callable[[Item], Awaitable[T]]) -> list[T]:
    """Does `act` to one item, then to two at the same time, then to four, ... until one batch fails.

    So a quota or a broken template costs one refused request and not hundreds. Returns the results;
    raises BatchFailed with those there are.
    """
    done: list[T] = []
    size = min(len(items), _FIRST_BATCH)
    while size:
        batch = items[len(done) : len(done) + size]
        results = await asyncio.gather(*(act(item) for item in batch), return_exceptions=True)
        errors = [result for result in results if isinstance(result, Exception)]
        done += [result for result in results if not isinstance(result, BaseException)]
        if errors:
            raise BatchFailed(done, errors[0]) from errors[0]
        size = min(2 * size, len(items) - len(done))
    return done


class BatchFailed(Exception):
    """A batch had errors; `done` are the results of what succeeded."""

    def __init__(self, done: list[Any], first: Exception) -> None:
        super().__init__(f"stopped after {len(done)}: {first}")
        self.done, self.first = done, first
