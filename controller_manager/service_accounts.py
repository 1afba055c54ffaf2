"""What every namespace gets: the `default` ServiceAccount and the ConfigMap `kube-root-ca.crt`.

Source: pkg/controller/serviceaccount/serviceaccounts_controller.go,
pkg/controller/certificates/rootcacertpublisher/publisher.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from apimachinery import scheme
from apimachinery.errors import AlreadyExistsError, ForbiddenError, NotFoundError
from apimachinery.objects import NamespacedName, Object, is_terminating, namespace_of
from apimachinery.scheme import Resource
from client.controller import Watch, by_name
from client.rest import Client
from controller_manager.context import ControllerContext
from controller_manager.metrics import counted_publication

DEFAULT = "default"
ROOT_CA = "kube-root-ca.crt"
DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints "
    "such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across "
    "distributions of Kubernetes clusters."
)


def namespace_key(obj: Object) -> Iterable[NamespacedName]:
    """The namespace that an object is in, as a key."""
    return [NamespacedName("", namespace_of(obj))]


class ServiceAccountsController:
    """Keeps the `default` ServiceAccount of every namespace."""

    name = "serviceaccount-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._namespaces = context.informers.informer(scheme.NAMESPACES)
        self._accounts = context.informers.informer(scheme.SERVICE_ACCOUNTS)

    def watches(self) -> list[Watch]:
        return [Watch(self._namespaces, by_name), Watch(self._accounts, namespace_key)]

    async def reconcile(self, key: NamespacedName) -> float | None:
        namespace = self._namespaces.get(key)
        if namespace is None or is_terminating(namespace):
            return None
        if self._accounts.get(NamespacedName(key.name, DEFAULT)) is None:
            account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": DEFAULT}}
            await _create(self._client, scheme.SERVICE_ACCOUNTS, account, key.name)
        return None


class RootCAPublisher:
    """Keeps the cluster's CA in every namespace, for pods that talk to the apiserver."""

    name = "root-ca-certificate-publisher-controller"

    def __init__(self, context: ControllerContext) -> None:
        self._client = context.client
        self._bundle = Path(context.options.root_ca_file).read_text() if context.options.root_ca_file else ""
        self._namespaces = context.informers.informer(scheme.NAMESPACES)
        # Only these: a write to any other ConfigMap is none of this process's business.
        only = f"metadata.name={ROOT_CA}"
        self._config_maps = context.informers.informer(scheme.CONFIG_MAPS, field_selector=only)

    def watches(self) -> list[Watch]:
        return [Watch(self._namespaces, by_name), Watch(self._config_maps, namespace_key)]

    async def reconcile(self, key: NamespacedName) -> float | None:
        namespace = self._namespaces.get(key)
        if namespace is not None and not is_terminating(namespace) and self._bundle:
            with counted_publication():
                await self._publish(key)
        return None

    async def _publish(self, key: NamespacedName) -> None:
        data = {"ca.crt": self._bundle}
        current = self._config_maps.get(NamespacedName(key.name, ROOT_CA))
        if current is None:
            metadata = {"name": ROOT_CA, "annotations": {"kubernetes.io/description": DESCRIPTION}}
            wanted = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
            await _create(self._client, scheme.CONFIG_MAPS, wanted, key.name)
        elif current.get("data") != data:
            await self._client.update(scheme.CONFIG_MAPS, {**current, "data": data})


async def _create(client: Client, resource: Resource, obj: Object, namespace: str) -> None:
    """That the object, or the end of its namespace, came first is no failure."""
    try:
        await client.create(resource, obj, namespace)
    except (AlreadyExistsError, NotFoundError):
        return
    except ForbiddenError as error:
        if "being terminated" not in error.message:
            raise
