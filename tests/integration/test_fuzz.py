"""Thousands of requests made of the schema: no fault of the server's, none that hangs, nothing left behind.

FUZZ_REQUESTS says how many, FUZZ_SEED which.
"""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path
from typing import Any

import httpx
import orjson
import yaml

from apimachinery.scheme import by_kind
from tests.integration.fuzzing import Fuzzer, Request
from tests.integration.plane import eventually
from tests.integration.running_apiserver import Running, running

REQUESTS = int(os.environ.get("FUZZ_REQUESTS", "1500"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))
FIXTURES = Path(__file__).parents[1] / "golden" / "kubectl" / "fixtures.yaml"
_AT_ONCE = 4
_LIMIT = 120.0
_AS_UPSTREAM = (
    "resourceVersion should not be set on objects to be created",
    "failed to create typed patch object (",
    ") to proper version: unable to convert unstructured object to ",
    "strconv.ParseUint: parsing ",
)
"""What upstream has a 500 for as well: errors of 1.34's store and structured merge that have no status."""
_MAX_GROWTH = 60.0
"""MiB between the first half and the end, the store's history aside."""


async def test_no_request_is_too_much(pki: Path) -> None:
    async with running(pki) as api, api.client("admin") as admin:
        fuzzer = Fuzzer(await documents(admin), await examples(admin), SEED)
        found = await send_all(admin, [fuzzer.request() for _ in range(REQUESTS // 2)])
        before, tasks = await memory(api), len(asyncio.all_tasks())
        found += await send_all(admin, [fuzzer.request() for _ in range(REQUESTS // 2)])
        after = await memory(api)
        await eventually(lambda: asyncio.sleep(0, len(asyncio.all_tasks()) - tasks), lambda left: left <= 0)
        assert (await admin.get("/readyz")).text == "ok"
    assert not found, f"{len(found)} of {REQUESTS}:\n" + "\n".join(found[:20])
    assert after - before < _MAX_GROWTH


async def documents(admin: httpx.AsyncClient) -> list[Any]:
    index = (await admin.get("/openapi/v3")).json()["paths"]
    found = [(await admin.get(each["serverRelativeURL"])).json() for each in index.values()]
    return [each for each in found if each.get("paths")]


async def examples(admin: httpx.AsyncClient) -> dict[str, Any]:
    """Good objects, which are there as well."""
    found = {}
    for obj in yaml.safe_load_all(FIXTURES.read_text()):
        version, namespace = obj["apiVersion"], obj["metadata"].get("namespace", "default")
        resource = by_kind(version, obj["kind"])
        assert resource is not None
        answer = await admin.post(resource.path(namespace), content=orjson.dumps(obj, default=str))
        if answer.status_code == 201:
            found[obj["kind"]] = answer.json()
    return found


async def send_all(admin: httpx.AsyncClient, requests: list[Request]) -> list[str]:
    """What went wrong, as it can be sent again."""
    problems: list[str] = []
    waiting = iter(requests)

    async def work() -> None:
        for request in waiting:
            problem = await send(admin, request)
            problems.extend([f"{problem}: {request}"[:1500]] if problem else [])

    async with asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(work())
    return problems


async def send(admin: httpx.AsyncClient, request: Request) -> str:
    try:
        answer = await admin.request(
            request.method, request.path, params=request.query, headers=request.headers, content=request.body,
            timeout=_LIMIT,
        )  # fmt: skip
    except httpx.HTTPError as error:
        return repr(error)
    message = " ".join(answer.text.split())  # in YAML it goes over several lines
    if answer.status_code < 500 or any(text in message for text in _AS_UPSTREAM):
        return ""
    return f"{answer.status_code} {answer.text[:300]}"


async def memory(api: Running) -> float:
    """Resident MiB, without what is only history."""
    await api.storage.compact(await api.storage.current_revision())
    gc.collect()
    return resident()


def resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
