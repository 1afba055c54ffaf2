"""The demo that `sampan up` applies: a Deployment of three with probes, its Service and its ConfigMap."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources

from apimachinery import scheme
from apimachinery.errors import NotFoundError
from apimachinery.objects import Object
from apimachinery.pods import is_ready
from apimachinery.serialize import from_yaml_all
from client.rest import Client
from kubeadm.config import ClusterConfig
from kubeadm.progress import Progress

NAMESPACE = "default"
READY_LIMIT = 90.0
SELECTOR = "app=hello"
SAMPAN = "sampan" if shutil.which("sampan") else sys.argv[0]
"""How a person calls it: as they just did, where it is not on the PATH."""

NEXT_STEPS = """
Try next (every kubectl works too: export KUBECONFIG={kubeconfig}):
  {sampan} get pods -o wide
  curl http://{address}:{node_port}/
  {sampan} rollout restart deployment/hello && {sampan} rollout status deployment/hello
"""


def manifests() -> list[Object]:
    """The demo's objects, as `hello.yaml` beside this module has them."""
    text = resources.files("kubeadm").joinpath("hello.yaml").read_text()
    return [obj for obj in from_yaml_all(text) if obj]


async def show(client: Client, config: ClusterConfig, progress: Progress) -> None:
    """Applies the demo, waits until its pods are Ready and it answers, and says what to try next."""
    with progress.step("demo applied") as notes:
        notes += [await _create(client, obj) for obj in manifests()]
    with progress.step("demo ready") as notes:
        async with _within(
            READY_LIMIT, f"the demo's pods are not Ready; see: {SAMPAN} describe pods -l {SELECTOR}"
        ):
            notes.append(await _wait_for_pods(client))
    service = await client.get(scheme.SERVICES, "hello", NAMESPACE)
    node_port = service["spec"]["ports"][0]["nodePort"]
    with progress.step("Service answers") as notes:
        silence = f"the demo does not answer on port {node_port}; see {config.log_dir}/kube-proxy.log"
        async with _within(READY_LIMIT, silence):
            notes.append(await _first_line(config.node_ip, node_port))
    print(
        NEXT_STEPS.format(
            kubeconfig=config.admin_kubeconfig,
            sampan=SAMPAN,
            address=config.node_ip,
            node_port=node_port,
        )
    )


@asynccontextmanager
async def _within(limit: float, message: str) -> AsyncIterator[None]:
    """A time-out that says what did not happen."""
    try:
        async with asyncio.timeout(limit):
            yield
    except TimeoutError:
        raise TimeoutError(message) from None


async def _create(client: Client, obj: Object) -> str:
    resource = scheme.by_kind(obj["apiVersion"], obj["kind"])
    assert resource is not None, obj["kind"]
    label = f"{obj['kind'].lower()}/{obj['metadata']['name']}"
    # Asking first: creating a Service twice fails because its node port is allocated, as upstream does.
    try:
        await client.get(resource, obj["metadata"]["name"], NAMESPACE)
    except NotFoundError:
        await client.create(resource, obj, NAMESPACE)
        return label
    return f"{label} unchanged"


async def _wait_for_pods(client: Client) -> str:
    """Watches the demo's pods until as many are Ready as the Deployment wants."""
    wanted = (await client.get(scheme.DEPLOYMENTS, "hello", NAMESPACE))["spec"]["replicas"]
    listed = await client.list(scheme.PODS, NAMESPACE, label_selector=SELECTOR)
    ready = {pod["metadata"]["name"] for pod in listed["items"] if is_ready(pod)}
    version = listed["metadata"]["resourceVersion"]
    events = client.watch(scheme.PODS, NAMESPACE, resource_version=version, label_selector=SELECTOR)
    while len(ready) < wanted:
        kind, pod = await anext(events)
        name = pod["metadata"].get("name", "")
        if kind == "DELETED" or not is_ready(pod):
            ready.discard(name)
        else:
            ready.add(name)
    return f"{len(ready)} pods"


async def _first_line(address: str, port: int) -> str:
    """The first line of the page behind the NodePort; tries again while kube-proxy is still writing rules."""
    import httpx

    async with httpx.AsyncClient(trust_env=False) as http:
        while True:
            try:
                answer = await http.get(f"http://{address}:{port}/", timeout=2)
            except httpx.TransportError:
                await asyncio.sleep(0.05)
                continue
            return answer.text.splitlines()[0]
