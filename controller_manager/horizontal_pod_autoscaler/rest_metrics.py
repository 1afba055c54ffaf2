"""The metrics APIs, asked over the API server like any other: resource, custom and external metrics.

Source: pkg/controller/podautoscaler/metrics/client.go, k8s.io/metrics/pkg/client/{custom,external}_metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from apimachinery.errors import StatusError
from apimachinery.labels import Selector
from apimachinery.objects import Object
from apimachinery.resource_metrics import POD_METRICS
from client.errors import ConnectionFailed
from client.rest import Client
from controller_manager.horizontal_pod_autoscaler.kinds import Kinds, UnknownKind
from controller_manager.horizontal_pod_autoscaler.readings import (
    Readings,
    custom_readings,
    external_value,
    object_value,
    resource_readings,
)
from controller_manager.horizontal_pod_autoscaler.settings import MetricsError

CUSTOM, EXTERNAL = "custom.metrics.k8s.io", "external.metrics.k8s.io"
T = TypeVar("T")
_CUSTOM_VERSIONS = ("v1beta2", "v1beta1")
"""The best first."""


class RestMetrics:
    def __init__(self, client: Client, kinds: Kinds) -> None:
        self._client = client
        self._kinds = kinds

    async def resource(self, namespace: str, selector: Selector, name: str, container: str) -> Readings:
        with _asking("resource", POD_METRICS.group_resource):
            listed = await self._client.list(POD_METRICS, namespace, label_selector=str(selector))
        return _read(lambda: resource_readings(listed.get("items") or [], name, container))

    async def of_pods(
        self, namespace: str, selector: Selector, name: str, metric_selector: Selector
    ) -> Readings:
        path = f"namespaces/{namespace}/pods/*/{name}"
        with _asking("custom", f"pods.{CUSTOM} *"):
            items = await self._custom(path, metric_selector, labelSelector=str(selector))
        return _read(lambda: custom_readings(items))

    async def of_object(self, namespace: str, reference: Object, name: str, metric_selector: Selector) -> int:
        with _asking("custom"):
            where = await self._path_of(namespace, reference)
        *_, plural, described = where.split("/")
        with _asking("custom", f"{plural}.{CUSTOM} {described}"):
            items = await self._custom(f"{where}/{name}", metric_selector)
            return _read(lambda: object_value(items))

    async def external(self, namespace: str, name: str, metric_selector: Selector) -> int:
        path = f"/apis/{EXTERNAL}/v1beta1/namespaces/{namespace}/{name}"
        with _asking("external", f"{name}.{EXTERNAL}"):
            items = await self._items(path, labelSelector=str(metric_selector))
        return _read(lambda: external_value(items))

    async def _path_of(self, namespace: str, reference: Object) -> str:
        api_version, kind = reference.get("apiVersion") or "v1", reference["kind"]
        if (api_version, kind) == ("v1", "Namespace"):
            return f"namespaces/{namespace}/metrics"
        resource = await self._kinds.resource(api_version.rpartition("/")[0], kind)
        return f"namespaces/{namespace}/{resource.group_resource}/{reference['name']}"

    async def _custom(self, path: str, metric_selector: Selector, **params: str) -> list[Object]:
        version = await self._custom_version()
        params["metricLabelSelector"] = str(metric_selector)
        return await self._items(f"/apis/{CUSTOM}/{version}/{path}", **params)

    async def _custom_version(self) -> str:
        """Asked each time: servers of metrics come and go, and discovery is near. Raises MetricsError."""
        try:
            group = await self._client.document(f"/apis/{CUSTOM}")
        except StatusError as error:
            if error.code != 404:
                raise
            raise MetricsError(f"no custom metrics API ({CUSTOM}) registered") from None
        served = [each["version"] for each in group["versions"]]
        found = next((each for each in _CUSTOM_VERSIONS if each in served), None)
        if found is None:
            raise MetricsError("no known available metric versions found")
        return found

    async def _items(self, path: str, **params: str) -> list[Object]:
        chosen = {name: text for name, text in params.items() if text}
        answer = await self._client.document(path, params=chosen)
        return answer.get("items") or [] if isinstance(answer, dict) else []


@contextmanager
def _asking(which: str, what: str = "") -> Iterator[None]:
    """`what` is named where the answer is no Status, as client-go does."""
    try:
        yield
    except (StatusError, ConnectionFailed, MetricsError, UnknownKind) as error:
        asked = f" (get {what})" if _is_no_status(error) else ""
        raise MetricsError(f"unable to fetch metrics from {which} metrics API: {error}{asked}") from error


def _read(read: Callable[[], T]) -> T:
    """Other people's servers may say anything."""
    try:
        return read()
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise MetricsError(f"the metrics make no sense: {error!r}") from error


def _is_no_status(error: Exception) -> bool:
    causes = error.details.get("causes") or () if isinstance(error, StatusError) else ()
    return any(each.get("reason") == "UnexpectedServerResponse" for each in causes)
