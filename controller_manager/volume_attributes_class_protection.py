"""VolumeAttributesClasses that a claim or volume names do not go: a finalizer stays until nobody does.

Source: pkg/controller/volume/vacprotection of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterable

from apimachinery import scheme
from apimachinery.objects import NamespacedName, Object, get_path, is_terminating
from apimachinery.volumes import CLASS_PROTECTION, attributes_classes_of
from client.controller import Watch, by_name
from controller_manager.context import ControllerContext
from controller_manager.volume_protection import add_finalizer, finalizers_of, remove_finalizer

USERS = "users of attributes classes"


class VolumeAttributesClassProtectionController:
    name = "volumeattributesclass-protection-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._classes = context.informers.informer(scheme.VOLUME_ATTRIBUTES_CLASSES)
        self._claims = context.informers.informer(scheme.PERSISTENT_VOLUME_CLAIMS)
        self._volumes = context.informers.informer(scheme.PERSISTENT_VOLUMES)
        self._claims.add_indexer(USERS, attributes_classes_of)
        self._volumes.add_indexer(USERS, _class_of_volume)

    def watches(self) -> list[Watch]:
        return [
            Watch(self._classes, by_name),
            Watch(self._claims, lambda claim: map(_key, attributes_classes_of(claim)), _may_have_let_go),
            Watch(self._volumes, lambda volume: map(_key, _class_of_volume(volume)), _may_have_let_go),
        ]

    async def reconcile(self, key: NamespacedName) -> float | None:
        it = self._classes.get(key)
        if it is None:
            return None
        if not is_terminating(it):
            await add_finalizer(self._client, scheme.VOLUME_ATTRIBUTES_CLASSES, it, CLASS_PROTECTION)
        elif CLASS_PROTECTION in finalizers_of(it) and not self._is_used(key.name):
            await remove_finalizer(self._client, scheme.VOLUME_ATTRIBUTES_CLASSES, it, CLASS_PROTECTION)
        return None

    def _is_used(self, name: str) -> bool:
        return bool(self._volumes.by_index(USERS, name) or self._claims.by_index(USERS, name))


def _key(name: str) -> NamespacedName:
    return NamespacedName("", name)


def _may_have_let_go(old: Object | None, new: Object | None) -> bool:
    """Who comes to use a class changes nothing."""
    return old is not None


def _class_of_volume(volume: Object) -> Iterable[str]:
    name = get_path(volume, "spec.volumeAttributesClassName")
    return (name,) if name else ()
