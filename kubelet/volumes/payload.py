"""The files of a configMap, secret, downwardAPI or projected volume.

Pure: objects and tokens are handed in.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from apimachinery.errors import aggregate
from apimachinery.objects import Object, get_path
from kubelet.containers.downward import FieldError, field_value, resource_value
from kubelet.volumes.atomic_writer import FileEntry
from kubelet.volumes.errors import MountError

DEFAULT_MODE = 0o644
TOKEN_MODE = 0o600


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A service account token that a projected volume asks for."""

    audience: str
    expiration_seconds: int
    path: str


@dataclass(frozen=True, slots=True)
class Sources:
    config_maps: Mapping[str, Object] = field(default_factory=dict)
    secrets: Mapping[str, Object] = field(default_factory=dict)
    tokens: Mapping[TokenRequest, str] = field(default_factory=dict)
    allocatable: Mapping[str, str] = field(default_factory=dict)


def token_requests(volume: Object) -> list[TokenRequest]:
    """The tokens the volume needs."""
    return [
        TokenRequest(each.get("audience") or "", each.get("expirationSeconds") or 3600, each["path"])
        for source in (volume.get("projected") or {}).get("sources") or ()
        if (each := source.get("serviceAccountToken"))
    ]


def payload_of(pod: Object, volume: Object, sources: Sources) -> dict[str, FileEntry] | None:
    """None if the volume is not made of objects."""
    if "configMap" in volume:
        source = volume["configMap"]
        return _config_map(source, source.get("name") or "", _mode(source), sources)
    if "secret" in volume:
        source = volume["secret"]
        return _secret(source, source.get("secretName") or "", _mode(source), sources)
    if "downwardAPI" in volume:
        return _downward(pod, volume["downwardAPI"], _mode(volume["downwardAPI"]), sources)
    if "projected" in volume:
        return _projected(pod, volume["projected"], sources)
    return None


def _mode(source: Object, default: int = DEFAULT_MODE) -> int:
    mode = source.get("defaultMode")
    return default if mode is None else int(mode)


def _projected(pod: Object, projected: Object, sources: Sources) -> dict[str, FileEntry]:
    """Raises MountError with all that is wrong."""
    mode, payload, wrong = _mode(projected), {}, []
    for source in projected.get("sources") or ():
        try:
            payload.update(_projection(pod, source, mode, sources))
        except MountError as error:
            wrong.append(str(error))
    if wrong:
        raise MountError(aggregate(wrong))
    return payload


def _projection(pod: Object, source: Object, mode: int, sources: Sources) -> dict[str, FileEntry]:
    if "configMap" in source:
        return _config_map(source["configMap"], source["configMap"].get("name") or "", mode, sources)
    if "secret" in source:
        return _secret(source["secret"], source["secret"].get("name") or "", mode, sources)
    if "downwardAPI" in source:
        return _downward(pod, source["downwardAPI"], mode, sources)
    if "serviceAccountToken" in source:
        return _token(pod, source["serviceAccountToken"], mode, sources)
    return {}


def _config_map(source: Object, name: str, mode: int, sources: Sources) -> dict[str, FileEntry]:
    obj = _found("configmap", sources.config_maps, name, source)
    data = {key: value.encode() for key, value in (obj.get("data") or {}).items()}
    data |= {key: base64.b64decode(value) for key, value in (obj.get("binaryData") or {}).items()}
    return dict(_selected(source, data, mode, "configmap references non-existent config key"))


def _secret(source: Object, name: str, mode: int, sources: Sources) -> dict[str, FileEntry]:
    obj = _found("secret", sources.secrets, name, source)
    data = {key: base64.b64decode(value) for key, value in (obj.get("data") or {}).items()}
    return dict(_selected(source, data, mode, "references non-existent secret key"))


def _found(kind: str, objects: Mapping[str, Object], name: str, source: Object) -> Object:
    obj = objects.get(name)
    if obj is None and not source.get("optional"):
        raise MountError(f'{kind} "{name}" not found')
    return obj or {}


def _selected(
    source: Object, data: Mapping[str, bytes], mode: int, complaint: str
) -> Iterator[tuple[str, FileEntry]]:
    """Every key under its own name, or the chosen ones under theirs."""
    items = source.get("items")
    if not items:
        yield from ((key, FileEntry(value, mode)) for key, value in data.items())
        return
    for item in items:
        if item["key"] in data:
            yield item["path"], FileEntry(data[item["key"]], _item_mode(item, mode))
        elif not source.get("optional"):
            raise MountError(f"{complaint}: {item['key']}")


def _item_mode(item: Object, mode: int) -> int:
    return mode if item.get("mode") is None else int(item["mode"])


def _downward(pod: Object, source: Object, mode: int, sources: Sources) -> dict[str, FileEntry]:
    try:
        return {
            item["path"]: FileEntry(_downward_text(pod, item, sources).encode(), _item_mode(item, mode))
            for item in source.get("items") or ()
        }
    except FieldError as error:
        raise MountError(str(error)) from error


def _downward_text(pod: Object, item: Object, sources: Sources) -> str:
    if "fieldRef" in item:
        return field_value(pod, item["fieldRef"]["fieldPath"])
    return resource_value(pod, item["resourceFieldRef"], None, sources.allocatable)


def _token(pod: Object, source: Object, mode: int, sources: Sources) -> dict[str, FileEntry]:
    """Readable by the pod's user or fsGroup alone where there is one."""
    wanted = token_requests({"projected": {"sources": [{"serviceAccountToken": source}]}})[0]
    user = common_user(pod)
    private = user is not None or get_path(pod, "spec.securityContext.fsGroup") is not None
    entry = FileEntry(sources.tokens[wanted].encode(), TOKEN_MODE if private else mode, owner=user)
    return {wanted.path: entry}


def common_user(pod: Object) -> int | None:
    """The one uid that all containers run as, if they do and it is known."""
    shared = get_path(pod, "spec.securityContext.runAsUser")
    spec = pod.get("spec") or {}
    everyone: Iterable[Object] = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    users = {(each.get("securityContext") or {}).get("runAsUser", shared) for each in everyone}
    return users.pop() if len(users) == 1 else None
