"""metrics.k8s.io of the apiserver itself, over a kubelet that tells what is used."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from apimachinery.quantity import parse_quantity
from tests.integration.kubelet_backends import kubelet, register
from tests.integration.running_apiserver import AGGREGATED, Running, running

PATH = "/apis/metrics.k8s.io/v1beta1"
PODS = f"{PATH}/namespaces/default/pods"
TABLE = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}


def exposition(began: float) -> bytes:
    at = int(time.time() * 1000)
    core_seconds = (at / 1000 - began) / 2
    labels = 'container="c",namespace="default",pod="web"'
    lines = (
        f"node_cpu_usage_seconds_total {100 + 2 * core_seconds} {at}",
        f"node_memory_working_set_bytes 2147483648 {at}",
        f"container_cpu_usage_seconds_total{{{labels}}} {1 + core_seconds} {at}",
        f"container_memory_working_set_bytes{{{labels}}} 67108864 {at}",
        f"container_start_time_seconds{{{labels}}} 1.7e+09",
    )
    return "".join(f"{line}\n" for line in lines).encode()


@asynccontextmanager
async def measured(pki: Path) -> AsyncIterator[tuple[Running, httpx.AsyncClient, list[str]]]:
    """A pod that takes half a core and 64 MiB, on a node that takes a whole one; and what was asked."""
    began, asked = time.time(), list[str]()

    async def respond(line: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(line)
        body = exposition(began)
        head = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        writer.write(head % len(body) + body)

    async with kubelet(pki, respond) as port, running(pki) as api, api.client("admin") as admin:
        await register(api, port)
        await set_ready(admin, "True")
        yield api, admin, asked


async def set_ready(admin: httpx.AsyncClient, status: str) -> None:
    patch = {"status": {"conditions": [{"type": "Ready", "status": status}]}}
    headers = {"content-type": "application/strategic-merge-patch+json"}
    answer = await admin.patch("/api/v1/nodes/n1/status", json=patch, headers=headers)
    assert answer.status_code == 200, answer.text


async def test_what_pods_and_nodes_use_is_asked_of_their_kubelets(pki: Path) -> None:
    async with measured(pki) as (_, admin, asked):
        answers = await asyncio.gather(  # at once, so that what is recent for one is for all
            admin.get(f"{PATH}/pods"), admin.get(f"{PATH}/nodes/n1"), admin.get(PODS, headers=TABLE)
        )
    listed, nodes, table = (each.json() for each in answers)
    [pod] = listed["items"]
    assert (listed["kind"], pod["kind"], pod["containers"][0]["name"]) == (
        "PodMetricsList",
        "PodMetrics",
        "c",
    )
    assert pod["containers"][0]["usage"]["memory"] == "64Mi"
    assert float(parse_quantity(pod["containers"][0]["usage"]["cpu"])) == pytest.approx(0.5, rel=0.01)
    assert (nodes["kind"], nodes["usage"]["memory"]) == ("NodeMetrics", "2Gi")
    assert 0.9 < float(pod["window"].removesuffix("s")) < 15
    columns = [each["name"] for each in table["columnDefinitions"]]
    assert (columns, table["rows"][0]["cells"][0]) == (["Name", "cpu", "memory", "Window"], "web")
    assert asked == ["GET /metrics/resource HTTP/1.1"] * 2


async def test_selectors_select_and_errors_are_metrics_servers(pki: Path) -> None:
    async with measured(pki) as (api, admin, _):
        cases = {
            "labelSelector=app%3Dweb": 0,
            "labelSelector=%21app": 1,
            "fieldSelector=metadata.name%3Dweb": 1,
            "fieldSelector=metadata.name%3Dother": 0,
        }
        for query, count in cases.items():
            assert len((await admin.get(f"{PODS}?{query}")).json()["items"]) == count, query
        watch = await admin.get(f"{PODS}?watch=true")
        missing = await admin.get(f"{PATH}/nodes/other")
        created = await admin.post(PODS, json={})
        nothing = await admin.get(f"{PATH}/services")
        async with api.client("scheduler") as other:
            refused = await other.get(PODS)
        await set_ready(admin, "Unknown")
        away = await admin.get(f"{PODS}/web")
    assert (watch.status_code, watch.json()["message"]) == (
        405,
        'watch is not supported on resources of kind "pods.metrics.k8s.io"',
    )
    assert (missing.status_code, missing.json()["message"]) == (404, 'nodes "other" not found')
    assert [each.status_code for each in (created, nothing, refused)] == [405, 404, 403]
    assert away.json()["message"] == 'podmetrics.metrics.k8s.io "default/web" not found'


async def test_discovery_and_openapi_tell_of_it(pki: Path) -> None:
    async with running(pki) as api, api.client("admin") as admin:
        resources = (await admin.get(PATH)).json()["resources"]
        items = (await admin.get("/apis", headers={"accept": AGGREGATED})).json()["items"]
        v3 = (await admin.get(f"/openapi/v3{PATH}")).json()
        v2 = (await admin.get("/openapi/v2")).json()
    plain: dict[str, Any] = {"singularName": "", "verbs": ["get", "list"]}
    assert resources == [
        {"name": "nodes", "namespaced": False, "kind": "NodeMetrics", **plain},
        {"name": "pods", "namespaced": True, "kind": "PodMetrics", **plain},
    ]
    assert items[-1]["metadata"]["name"] == "metrics.k8s.io"
    assert set(itertools.chain(v3["paths"])) == {
        f"{PATH}/nodes",
        f"{PATH}/nodes/{{name}}",
        f"{PATH}/namespaces/{{namespace}}/pods",
        f"{PATH}/namespaces/{{namespace}}/pods/{{name}}",
        f"{PATH}/pods",
    }
    names = {"PodMetrics", "PodMetricsList", "NodeMetrics", "NodeMetricsList"}
    assert names <= {each.rpartition(".")[2] for each in v2["definitions"] if "metrics" in each}
