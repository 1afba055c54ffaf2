"""CONNECT, as admission sees it: the options of a stream or a proxied request as an object.

Source: the *Options kinds of core/v1, which upstream decodes from the query.
"""

from __future__ import annotations

from typing import Any

from apimachinery.objects import Object
from apimachinery.scheme import Resource, subresource_of
from apiserver.admission.attributes import Attributes
from apiserver.admission.chain import Chain
from apiserver.request import RequestInfo, is_set

_FLAGS = ("stdin", "stdout", "stderr", "tty")


def connect_options(info: RequestInfo, resource: Resource) -> Object:
    """PodExecOptions, PodAttachOptions, PodPortForwardOptions, or the path of a proxied request."""
    found = subresource_of(resource, info.subresource)
    assert found is not None, "the path has been checked"
    said: dict[str, Any]
    match info.subresource:
        case "proxy":
            said = {"path": info.trailing}
        case "portforward":
            ports = [port for value in info.query.get("ports", ()) for port in value.split(",")]
            said = {"ports": [int(port) for port in ports if port.isdigit()]}
        case _:
            said = {flag: True for flag in _FLAGS if is_set(info.query, flag)}
            said |= {"container": info.first("container"), "command": list(info.query.get("command", ()))}
    told = {key: value for key, value in said.items() if value}
    return {"kind": found.kind, "apiVersion": found.version, **told}


async def admit_connect(chain: Chain, info: RequestInfo, resource: Resource) -> None:
    """Asks every admission plugin. Raises StatusError."""
    if not chain.applies("CONNECT", resource, info.subresource):
        return
    attributes = Attributes(
        operation="CONNECT",
        resource=resource,
        subresource=info.subresource,
        namespace=info.namespace,
        name=info.name,
        object=connect_options(info, resource),
        old_object=None,
        user=info.user,
        warnings=info.warnings,
        annotations=info.annotations,
    )
    await chain.admit(attributes)
    await chain.validate(attributes)
