"""`cluster-info`: where the control plane is and what it offers, or a dump of all that happens in it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from apimachinery import scheme
from apimachinery.errors import StatusError
from apimachinery.objects import Object, get_path, key_of, labels_of, name_of
from apimachinery.scheme import Resource
from kubectl import printers, session
from kubectl.arguments import Flag, Words
from kubectl.commands import Group
from kubectl.flags import AllNamespaces
from kubectl.printers import AS_IS, Printing

if TYPE_CHECKING:
    from client.rest import Client

LABEL = "kubernetes.io/cluster-service=true"
DUMPED = (
    scheme.EVENTS, scheme.REPLICATION_CONTROLLERS, scheme.SERVICES, scheme.DAEMON_SETS,
    scheme.DEPLOYMENTS, scheme.REPLICA_SETS, scheme.PODS,
)  # fmt: skip


def show(words: Annotated[list[str], Words()]) -> None:
    """Display cluster information."""
    print(session.run(_show))


async def _show(client: Client, _: str) -> str:
    server = client.config.server
    lines = [_line("Kubernetes control plane", server)]
    services = await client.list(scheme.SERVICES, "kube-system", label_selector=LABEL)
    for service in services["items"]:
        title = labels_of(service).get("kubernetes.io/name") or name_of(service)
        lines.append(_line(title, address(server, service)))
    hint = "To further debug and diagnose cluster problems, use 'sampan cluster-info dump'."
    return "\n".join([*lines, "", hint])


def _line(title: str, where: str) -> str:
    if sys.stdout.isatty():
        return f"\x1b[0;32m{title}\x1b[0m is running at \x1b[0;33m{where}\x1b[0m"
    return f"{title} is running at {where}"


def address(server: str, service: Object) -> str:
    """Of a Service: its load balancer's, or through the server's proxy."""
    ports = get_path(service, "spec.ports") or []
    ingress = get_path(service, "status.loadBalancer.ingress")
    if ingress:
        host = ingress[0].get("ip") or ingress[0].get("hostname", "")
        return " ".join(f"http://{host}:{port['port']}" for port in ports)
    name = name_of(service)
    if ports:
        port = ports[0]
        secure = "https:" if port.get("name") == "https" or port["port"] == 443 else ""
        name = f"{secure}{name}:{port.get('name', '')}" if secure or port.get("name") else name
    return f"{server}/api/v1/namespaces/{key_of(service).namespace}/services/{name}/proxy"


def dump(
    all_namespaces: AllNamespaces = False,
    namespaces: Annotated[list[str] | None, Flag("--namespaces", commas=True, help="These ones.")] = None,
    directory: Annotated[str, Flag("--output-directory", help="Where to; by default it is printed.")] = "",
    printing: Printing = AS_IS,
) -> None:
    """Dump relevant information for debugging and diagnosis."""
    folder = Path(directory) if directory not in ("", "-") else None
    session.run(lambda client, own: _dump(client, own, all_namespaces, namespaces or [], folder, printing))


async def _dump(
    client: Client, own: str, everywhere: bool, namespaces: list[str], folder: Path | None, printing: Printing
) -> None:
    printing = printing or Printing("json")
    writer = Writer(folder, "yaml" if printing.form == "yaml" else "json")
    await _dump_list(client, scheme.NODES, "", writer, printing)
    if everywhere:
        namespaces = [name_of(each) for each in (await client.list(scheme.NAMESPACES))["items"]]
    for namespace in namespaces or sorted({own, "kube-system"}, key=lambda each: each != "kube-system"):
        for resource in DUMPED:
            await _dump_list(client, resource, namespace, writer, printing)
        for pod in (await client.list(scheme.PODS, namespace))["items"]:
            await _dump_logs(client, pod, writer)
    if folder is not None:
        print(f"Cluster info dumped to {folder}")


async def _dump_list(
    client: Client, resource: Resource, namespace: str, writer: Writer, printing: Printing
) -> None:
    found = await client.list(resource, namespace or None)
    whole = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version, **found}
    name = f"{namespace}/{resource.plural}".lstrip("/")
    writer.write(name, printers.render([whole], printing, keep_order=True))


async def _dump_logs(client: Client, pod: Object, writer: Writer) -> None:
    """What a container has to say, or why that can't be had."""
    key = key_of(pod)
    for container in pod["spec"]["containers"]:
        path = scheme.PODS.path(key.namespace, key.name, "log")
        try:
            text = (await client.request("GET", path, params={"container": container["name"]})).decode()
        except StatusError as error:
            text = f"Request log error: {error.message}\n"
        title = f"container {container['name']} of pod {key}"
        log = f"==== START logs for {title} ====\n{text}==== END logs for {title} ====\n"
        writer.write(f"{key.namespace}/{key.name}/logs", log)


class Writer:
    """Puts pieces into files of a folder, or prints them."""

    def __init__(self, folder: Path | None, suffix: str) -> None:
        self._folder = folder
        self._suffix = suffix

    def write(self, name: str, text: str) -> None:
        if self._folder is None:
            print(text, end="")
            return
        is_log = name.endswith("/logs")
        path = self._folder / f"{name}.{'txt' if is_log else self._suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a" if is_log else "w") as file:
            file.write(text)


cluster_info = Group("Display cluster information.", {"dump": dump}, itself=show)
