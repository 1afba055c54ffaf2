"""Which local port goes to which port of the pod: pure functions.

Source: kubectl/pkg/cmd/portforward, kubectl/pkg/util/service_port.go, client-go/tools/portforward.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from apimachinery.objects import Object, get_path, name_of
from kubectl.failures import CommandError


class Pair(NamedTuple):
    """A local port (0: any that is free) and the pod's."""

    local: int
    remote: int


def of_pod(words: Sequence[str], pod: Object) -> list[Pair]:
    """`80`, `8080:80`, `:80`, `8080:http`; names are those of the pod's ports. Raises CommandError."""
    pairs = []
    for local, word in map(_split, words):
        named = local == word and not word.isdigit()
        own = 0 if named else _number(local, "local")
        remote = _pod_port(pod, word)
        pairs.append(Pair(remote if named else own, remote))
    return pairs


def of_service(words: Sequence[str], service: Object, pod: Object) -> list[Pair]:
    """The same where the ports are a Service's, which lead to other ones of its pod. Raises CommandError."""
    pairs = []
    for local, remote in map(_split, words):
        port = _service_port(service, remote)
        own = port["port"] if local == remote else _number(local, "local")
        pairs.append(Pair(own, _target(service, port, pod)))
    return pairs


def _split(word: str) -> tuple[str, str]:
    local, colon, remote = word.partition(":")
    if not colon:
        return word, word
    return local or "0", remote


def _service_port(service: Object, word: str) -> Object:
    for port in get_path(service, "spec.ports") or ():
        if word in (port.get("name"), str(port["port"])):
            return dict(port)
    if word.isdigit():
        raise CommandError(f"Service {name_of(service)} does not have a service port {word}")
    raise CommandError(f"Service '{name_of(service)}' does not have a named port '{word}'")


def _target(service: Object, port: Object, pod: Object) -> int:
    if get_path(service, "spec.clusterIP") == "None":
        return int(port["port"])
    return _pod_port(pod, str(port.get("targetPort") or port["port"]))


def _pod_port(pod: Object, word: str) -> int:
    if word.isdigit():
        return _number(word, "remote")
    for container in pod["spec"]["containers"]:
        for port in container.get("ports") or ():
            if port.get("name") == word:
                return int(port["containerPort"])
    raise CommandError(f"Pod '{name_of(pod)}' does not have a named port '{word}'")


def _number(text: str, side: str) -> int:
    if not text.isdigit():
        raise CommandError(
            f"error parsing {side} port '{text}': strconv.ParseUint: parsing \"{text}\": invalid syntax"
        )
    if int(text) > 65535:
        raise CommandError(
            f"error parsing {side} port '{text}': strconv.ParseUint: parsing \"{text}\": value out of range"
        )
    if side == "remote" and int(text) == 0:
        raise CommandError("remote port must be > 0")
    return int(text)
