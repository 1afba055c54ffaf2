"""Extenders: servers of others that are asked about pods while these are scheduled, over HTTP.

Each may filter nodes, score them, reconsider whom to preempt, and bind. Only those are asked that look after
a resource which the pod wants, or after all pods. Source: pkg/scheduler/extender.go of Kubernetes 1.34.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import orjson

from apimachinery.durations import parse_duration
from apimachinery.objects import NamespacedName, Object, get_path
from client.errors import ConnectionFailed, StaleConnection
from client.transport import Response, Transport
from component_base.kubeconfig import ClientConfig
from scheduler.framework.interface import EXTENDER, MAX_NODE_SCORE, Verdict
from scheduler.pod_info import PodInfo
from scheduler.preemption import Candidate

DEFAULT_SECONDS = 5.0
MAX_EXTENDER_SCORE = 10


class ExtenderError(Exception):
    """It could not be asked, or says that it failed; the message is upstream's."""


class Post(Protocol):
    async def __call__(self, url: str, body: bytes) -> tuple[int, bytes]:
        """The status and the body of the answer. Raises ConnectionFailed."""


@dataclass(frozen=True, slots=True)
class Filtered:
    """The names of the nodes that it lets pass, and what it has against others."""

    names: tuple[str, ...]
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)


class Extender:
    """`node` finds a Node object, which is sent whole to an extender without a cache of its own."""

    def __init__(self, config: Object, post: Post, node: Callable[[NamespacedName], Object | None]) -> None:
        self.url: str = config.get("urlPrefix") or ""
        self.is_ignorable = bool(config.get("ignorable"))
        self.filters, self.scores = bool(config.get("filterVerb")), bool(config.get("prioritizeVerb"))
        self.preempts, self.binds = bool(config.get("preemptVerb")), bool(config.get("bindVerb"))
        self._config = config
        self._managed = frozenset(each["name"] for each in config.get("managedResources") or ())
        self._post = post
        self._node = node

    def is_interested(self, pod: PodInfo) -> bool:
        return not self._managed or not self._managed.isdisjoint(_resources_of(pod.pod))

    async def filter(self, pod: PodInfo, names: Sequence[str]) -> Filtered:
        """Raises ExtenderError."""
        answer = await self._ask("filterVerb", {"Pod": pod.pod, **self._nodes(names)})
        _raise_if_failed(answer)
        named = _of(answer, "NodeNames")
        if self._config.get("nodeCacheCapable") and named is not None:
            strange = next((name for name in named if name not in names), None)
            if strange is not None:
                text = f'claims a filtered node "{strange}" which is not found in the input node list'
                raise ExtenderError(f'extender "{self.url}" {text}')
        else:
            named = [each["metadata"]["name"] for each in (_of(answer, "Nodes") or {}).get("items") or ()]
        failed, final = _of(answer, "FailedNodes") or {}, _of(answer, "FailedAndUnresolvableNodes") or {}
        verdicts = {name: Verdict(EXTENDER, (text,)) for name, text in failed.items()}
        verdicts |= {name: Verdict(EXTENDER, (text,), is_final=True) for name, text in final.items()}
        return Filtered(tuple(named), verdicts)

    async def prioritize(self, pod: PodInfo, names: Sequence[str]) -> dict[str, int]:
        """node -> score, weighted and on the scale of plugins. Raises ExtenderError."""
        answer = await self._ask("prioritizeVerb", {"Pod": pod.pod, **self._nodes(names)})
        factor = self._config["weight"] * (MAX_NODE_SCORE // MAX_EXTENDER_SCORE)
        return {_of(each, "Host") or "": (_of(each, "Score") or 0) * factor for each in answer}

    async def preempt(
        self, pod: PodInfo, candidates: Sequence[Candidate], pods: Mapping[str, PodInfo]
    ) -> list[Candidate]:
        """The candidates that are left, maybe with other victims of `pods`. Raises ExtenderError."""
        key = "NodeNameToMetaVictims" if self._config.get("nodeCacheCapable") else "NodeNameToVictims"
        told = {
            each.node: {
                "Pods": [{"UID": victim.uid} if "Meta" in key else victim.pod for victim in each.victims],
                "NumPDBViolations": each.violations,
            }
            for each in candidates
        }
        answer = await self._ask("preemptVerb", {"Pod": pod.pod, key: told})
        found = _of(answer, "NodeNameToMetaVictims") or {}
        chosen = [self._candidate(node, victims, pods) for node, victims in found.items()]
        return [each for each in chosen if each.victims]

    def _candidate(self, node: str, told: Any, pods: Mapping[str, PodInfo]) -> Candidate:
        victims = []
        for uid in (_of(each, "UID") for each in _of(told, "Pods") or ()):
            pod = pods.get(uid)
            if pod is None or pod.node_name != node:
                text = f"claims to preempt pod (UID: {uid}) on node: {node}, but the pod is not found on it"
                raise ExtenderError(f"extender: {self.url} {text}")
            victims.append(pod)
        if not victims and not self.is_ignorable:
            raise ExtenderError(f'expected at least one victim pod on node "{node}"')
        return Candidate(node, tuple(victims), _of(told, "NumPDBViolations") or 0)

    async def bind(self, pod: PodInfo, node: str) -> None:
        """Raises ExtenderError."""
        told = {
            "PodName": pod.key.name, "PodNamespace": pod.key.namespace, "PodUID": pod.uid, "Node": node,
        }  # fmt: skip
        _raise_if_failed(await self._ask("bindVerb", told))

    def _nodes(self, names: Sequence[str]) -> Object:
        if self._config.get("nodeCacheCapable"):
            return {"Nodes": None, "NodeNames": list(names)}
        nodes = (self._node(NamespacedName("", name)) for name in names)
        items = [each for each in nodes if each is not None]
        return {"Nodes": {"metadata": {}, "items": items}, "NodeNames": None}

    async def _ask(self, verb: str, told: Object) -> Any:
        action = self._config[verb]
        url = f"{self.url.rstrip('/')}/{action}"
        try:
            status, body = await self._post(url, orjson.dumps(told))
        except ConnectionFailed as error:
            raise ExtenderError(f'Post "{url}": {error}') from error
        if status != 200:
            raise ExtenderError(f"failed {action} with extender at URL {url}, code {status}")
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise ExtenderError(str(error)) from error


def ignored_resources(configs: Iterable[Object]) -> frozenset[str]:
    """Those of which extenders say that plugins need not look at them."""
    managed = (each for config in configs for each in config.get("managedResources") or ())
    return frozenset(each["name"] for each in managed if each.get("ignoredByScheduler"))


class HttpPost:
    """Connections to one extender. Raises OSError and ssl.SSLError for certificates that are no good."""

    def __init__(self, config: Object) -> None:
        parts = urlsplit(config.get("urlPrefix") or "")
        is_tls = bool(config.get("enableHTTPS")) or parts.scheme == "https"
        tls: Object = config.get("tlsConfig") or {}
        ca = _pem(tls, "ca")
        connection = ClientConfig(
            server="https:" if is_tls else "http:",
            ca=ca,
            insecure=bool(tls.get("insecure")) or (bool(config.get("enableHTTPS")) and ca is None),
            client_cert=_pem(tls, "cert"),
            client_key=_pem(tls, "key"),
        )
        self._authority = parts.netloc
        self._seconds = parse_duration(config.get("httpTimeout") or "0s") or DEFAULT_SECONDS
        self._transport = Transport(
            parts.hostname or "",
            parts.port or (443 if is_tls else 80),
            ssl_context=connection.ssl_context(),
            server_hostname=tls.get("serverName") or None,
        )

    async def __call__(self, url: str, body: bytes) -> tuple[int, bytes]:
        try:
            answer = await self._send(url, body)
        except StaleConnection:  # a kept connection may end just when it is used again
            answer = await self._send(url, body)
        return answer.status, answer.body

    async def _send(self, url: str, body: bytes) -> Response:
        head = (
            f"POST {urlsplit(url).path} HTTP/1.1\r\nhost: {self._authority}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return await self._transport.exchange(b"POST", head.encode() + body, seconds=self._seconds)

    async def aclose(self) -> None:
        await self._transport.aclose()


def _pem(tls: Object, name: str) -> bytes | None:
    """Inline data goes before the file."""
    if data := tls.get(f"{name}Data"):
        return base64.b64decode(data)
    return Path(tls[f"{name}File"]).read_bytes() if tls.get(f"{name}File") else None


def _of(answer: Any, name: str) -> Any:
    """Go knows a field by its name in any case, and so do servers that were written for it."""
    fields: Object = answer if isinstance(answer, dict) else {}
    if name in fields:
        return fields[name]
    return next((value for key, value in fields.items() if key.lower() == name.lower()), None)


def _raise_if_failed(answer: Any) -> None:
    if error := _of(answer, "Error"):
        raise ExtenderError(error)


def _resources_of(pod: Object) -> set[str]:
    containers = [*get_path(pod, "spec.containers", []), *get_path(pod, "spec.initContainers", [])]
    return {
        name
        for each in containers
        for side in ("requests", "limits")
        for name in get_path(each, f"resources.{side}", {})
    }
