"""Lists: states of the world, selectors, chunks."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any

import orjson
import pytest

from apimachinery.scheme import CONFIG_MAPS, PODS
from apiserver.handlers.list import list_pieces
from apiserver.registry.continue_token import Position
from apiserver.storage.compaction import Compactor
from apiserver.storage.counts import Lists
from tests.fakes.api import Answer, Api, serving
from tests.unit.apiserver.handlers.requests import MAPS

ALL = "/api/v1/configmaps"
PODS_OF = "/api/v1/pods?fieldSelector=spec.nodeName"


async def fill(api: Api, *names: str, namespace: str = "default") -> None:
    for name in names:
        body = {"metadata": {"name": name, "labels": {"first": name[0]}}}
        await api.request("POST", f"/api/v1/namespaces/{namespace}/configmaps", body)
    await api.cache.fresh()


def names(answer: Answer) -> list[str]:
    assert answer.status == 200, answer.json
    return [item["metadata"]["name"] for item in answer.json["items"]]


async def walk(api: Api, path: str) -> list[list[str]]:
    """The names in every chunk of a list."""
    chunks, token = [], ""
    while True:
        answer = await api.request("GET", f"{path}&continue={token}" if token else path)
        chunks.append(names(answer))
        token = answer.json["metadata"].get("continue", "")
        if not token:
            return chunks


async def test_a_list_tells_its_revision_and_its_items_in_order(api: Api) -> None:
    await fill(api, "b", "a")
    await fill(api, "z", namespace="another")
    answer = await api.request("GET", ALL)
    assert names(answer) == ["z", "a", "b"]
    assert answer.json["metadata"] == {"resourceVersion": str(await api.storage.current_revision())}
    assert "kind" not in answer.json["items"][0]
    assert names(await api.request("GET", MAPS)) == ["a", "b"]


async def test_an_empty_list_is_a_list(api: Api) -> None:
    answer = await api.request("GET", MAPS)
    assert answer.json == {
        "kind": "ConfigMapList",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": "1"},
        "items": [],
    }


async def test_long_lists_come_in_pieces_and_have_the_length_they_say(api: Api) -> None:
    await fill(api, *(f"n{index:03}" for index in range(300)))
    answer = await api.request("GET", MAPS)
    assert len(names(answer)) == 300
    assert int(answer.headers["content-length"]) == len(answer.body)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
@pytest.mark.parametrize("items", [[], [1], [1, 2, 3, 4]], ids=len)
def test_pieces_make_one_list_however_many_they_are(items: list[int], count: int) -> None:
    bodies = [b'"n":%d}' % each for each in items]
    made = [*list_pieces(b'{"items":[', bodies, b",{", count)]
    assert orjson.loads(b"".join(piece for piece, _ in made)) == {"items": [{"n": each} for each in items]}
    assert [is_last for _, is_last in made] == [False] * (max(1, -(-len(items) // count)) - 1) + [True]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("labelSelector=first%3Da", ["a1", "a2"]),
        ("labelSelector=first+notin+(a)", ["b1"]),
        ("fieldSelector=metadata.name%3Db1", ["b1"]),
        ("fieldSelector=metadata.name%3Dnone", []),
        ("fieldSelector=metadata.name!%3Db1&labelSelector=first%3Da", ["a1", "a2"]),
        ("fieldSelector=metadata.namespace%3Delsewhere", []),
    ],
)
async def test_selectors(api: Api, query: str, expected: list[str]) -> None:
    await fill(api, "a1", "a2", "b1")
    assert names(await api.request("GET", f"{MAPS}?{query}")) == expected
    assert names(await api.request("GET", f"{ALL}?{query}")) == expected


UNKNOWN = '"{}" is not a known field selector: only "metadata.name", "metadata.namespace"'
SLICES, JOBS = "/apis/resource.k8s.io/v1/resourceslices", "/apis/batch/v1/jobs"


@pytest.mark.parametrize(
    ("path", "field", "message"),
    [
        (MAPS, "x", UNKNOWN.format("x")),
        ("/api/v1/pods", "spec.x", "field label not supported: spec.x"),
        ("/api/v1/namespaces", "name", "field label not supported: name"),
        ("/api/v1/nodes", "metadata.namespace", "field label not supported: metadata.namespace"),
        ("/apis/apps/v1/replicasets", "status.replicas", UNKNOWN.format("status.replicas")),
        (JOBS, "status.active", 'field label "status.active" not supported for Job'),
        (SLICES, "x", "field label not supported for resource.k8s.io/v1, Kind=ResourceSlice: x"),
        ("/api/v1/pods", "status.podIPs", None),
        ("/api/v1/services", "metadata.namespace", None),
        ("/api/v1/persistentvolumes", "metadata.namespace", None),
    ],
)
async def test_fields_that_can_and_cannot_be_selected_by(
    api: Api, path: str, field: str, message: str | None
) -> None:
    answer = await api.request("GET", f"{path}?fieldSelector={field}%3D1")
    assert (answer.status, answer.json.get("message")) == (400 if message else 200, message)


async def test_chunks_show_one_state_whatever_happens_meanwhile(api: Api) -> None:
    await fill(api, "a", "b", "c", "d", "e")
    first = await api.request("GET", f"{MAPS}?limit=2")
    metadata = first.json["metadata"]
    assert (names(first), metadata["remainingItemCount"]) == (["a", "b"], 3)
    await api.request("DELETE", f"{MAPS}/c")
    await fill(api, "bb", "f")
    second = await api.request("GET", f"{MAPS}?limit=2&continue={metadata['continue']}")
    assert names(second) == ["c", "d"]
    assert second.json["metadata"]["resourceVersion"] == metadata["resourceVersion"]
    third = await api.request("GET", f"{MAPS}?limit=2&continue={second.json['metadata']['continue']}")
    assert names(third) == ["e"]
    assert "continue" not in third.json["metadata"]


async def test_chunks_of_a_selection(api: Api) -> None:
    await fill(api, "a1", "b1", "a2", "b2", "a3", "b3")
    expected = [["a1", "a2"], ["a3"]]
    assert await walk(api, f"{MAPS}?limit=2&labelSelector=first%3Da") == expected


async def test_a_chunk_of_a_forgotten_state_offers_an_inconsistent_rest(api: Api) -> None:
    await fill(api, "a", "b", "c")
    token = (await api.request("GET", f"{MAPS}?limit=1")).json["metadata"]["continue"]
    await fill(api, "d")
    await api.storage.compact(await api.storage.current_revision())
    answer = await api.request("GET", f"{MAPS}?limit=1&continue={token}")
    assert (answer.status, answer.json["reason"]) == (410, "Expired")
    assert "The provided continue parameter is too old" in answer.json["message"]
    rest = await api.request("GET", f"{MAPS}?continue={answer.json['metadata']['continue']}")
    assert names(rest) == ["b", "c", "d"]


async def test_a_token_expires_with_history_though_nothing_has_changed(api: Api) -> None:
    await fill(api, "a", "b", "c")
    token = (await api.request("GET", f"{MAPS}?limit=1")).json["metadata"]["continue"]
    await fill(api, "x", namespace="elsewhere")
    revision = await api.storage.current_revision()
    compactor = Compactor(api.storage, forgotten=api.cache.forget_history)
    await compactor.turn()
    assert names(await api.request("GET", f"{MAPS}?continue={token}")) == ["b", "c"]
    await compactor.turn()
    answer = await api.request("GET", f"{MAPS}?continue={token}")
    assert (answer.status, answer.json["reason"]) == (410, "Expired")
    rest = (await api.request("GET", f"{MAPS}?continue={answer.json['metadata']['continue']}")).json
    assert [each["metadata"]["name"] for each in rest["items"]] == ["b", "c"]
    assert int(rest["metadata"]["resourceVersion"]) >= revision


@pytest.mark.parametrize("token", ["%25%25", "abc", "eyJ2IjoieCJ9"], ids=["no base64", "no JSON", "no token"])
async def test_tokens_must_be_ours(api: Api, token: str) -> None:
    answer = await api.request("GET", f"{MAPS}?continue={token}")
    assert (answer.status, answer.json["reason"]) == (400, "BadRequest")


async def test_a_token_does_not_lead_into_another_namespace(api: Api) -> None:
    await fill(api, "a", "b", namespace="aaa")
    await fill(api, "x", "y")
    token = (await api.request("GET", f"{ALL}?limit=1")).json["metadata"]["continue"]
    assert names(await api.request("GET", f"{MAPS}?continue={token}")) == ["x", "y"]


async def test_states_by_resource_version(api: Api) -> None:
    await fill(api, "a")
    then = await api.storage.current_revision()
    await fill(api, "b")
    wanted: dict[str, list[str]] = {
        "resourceVersion=0": ["a", "b"],
        f"resourceVersion={then}": ["a", "b"],
        f"resourceVersion={then}&resourceVersionMatch=NotOlderThan": ["a", "b"],
        f"resourceVersion={then}&resourceVersionMatch=Exact": ["a"],
        f"resourceVersion={then}&limit=5": ["a"],
        "resourceVersion=0&limit=1": ["a", "b"],
        "resourceVersion=0&resourceVersionMatch=NotOlderThan&limit=1": ["a", "b"],
    }
    seen = {query: names(await api.request("GET", f"{MAPS}?{query}")) for query in wanted}
    assert seen == wanted


@pytest.mark.parametrize(
    ("revision", "status", "message"),
    [
        (
            "18446744073709551615",
            504,
            "Timeout: Too large resource version: 18446744073709551615, current: 1",
        ),
        ("18446744073709551616", 400, 'parsing "18446744073709551616": value out of range'),
        ("-1", 400, 'parsing "-1": invalid syntax'),
    ],
)
@pytest.mark.looptime
async def test_revisions_have_64_bits(revision: str, status: int, message: str) -> None:
    query = f"resourceVersion={revision}&resourceVersionMatch=Exact"
    async with serving() as api:
        answer = await api.request("GET", f"{MAPS}?{query}")
        assert answer.status == status
        assert answer.json["message"].endswith(message)


async def test_a_forgotten_state_is_gone(api: Api) -> None:
    await fill(api, "a", "b")
    await api.storage.compact(await api.storage.current_revision())
    answer = await api.request("GET", f"{MAPS}?resourceVersion=2&resourceVersionMatch=Exact")
    expected = "The resourceVersion for the provided list is too old."
    assert (answer.status, answer.json["message"]) == (410, expected)


@pytest.mark.looptime
@pytest.mark.parametrize("path", [MAPS, f"{MAPS}/a"], ids=["list", "get"])
async def test_a_state_of_the_future_is_waited_for_but_not_for_long(path: str) -> None:
    async with serving() as api:
        answer = await api.request("GET", f"{path}?resourceVersion=999")
        details: dict[str, Any] = answer.json["details"]
        assert (answer.status, answer.json["message"]) == (
            504,
            "Timeout: Too large resource version: 999, current: 1",
        )
        assert details["causes"][0]["reason"] == "ResourceVersionTooLarge"
        assert details["retryAfterSeconds"] == 1


async def test_continuing_at_another_revision_makes_no_sense(api: Api) -> None:
    token = Position(5, "a").encode("")
    answer = await api.request("GET", f"{MAPS}?continue={token}&resourceVersion=5")
    expected = "specifying resource version is not allowed when using continue"
    assert (answer.status, answer.json["message"]) == (400, expected)


@pytest.mark.parametrize("revision", [1.5, "7", 1 << 63, True])
async def test_a_token_with_a_revision_that_is_none_is_refused(api: Api, revision: object) -> None:
    raw = orjson.dumps({"v": "meta.k8s.io/v1", "rv": revision, "start": "a\0"})
    token = urlsafe_b64encode(raw).rstrip(b"=").decode()
    answer = await api.request("GET", f"{MAPS}?limit=1&continue={token}")
    assert (answer.status, answer.json["reason"]) == (400, "BadRequest")


@pytest.mark.parametrize(
    ("path", "index", "lists"),
    [
        pytest.param(MAPS, "", Lists(1, 3, 0, 3), id="all"),
        pytest.param(f"{MAPS}?labelSelector=first=a", "", Lists(1, 3, 0, 2), id="by label"),
        pytest.param(f"{MAPS}?limit=1", "", Lists(1, 3, 0, 1), id="a chunk"),
        pytest.param(f"{MAPS}?fieldSelector=metadata.name=a", "", Lists(1, 1, 0, 1), id="by name"),
        pytest.param(f"{PODS_OF}=n", "f:spec.nodeName", Lists(1), id="by index"),
    ],
)  # fmt: skip
async def test_what_lists_from_memory_take_is_counted(api: Api, path: str, index: str, lists: Lists) -> None:
    await fill(api, "a", "abc", "b")
    resource = PODS if "pods" in path else CONFIG_MAPS
    counts = api.cache.resource(resource).counts
    await api.request("GET", path)
    assert counts.from_cache == {index: lists}
    assert (counts.consistent_reads, counts.failed_reads, counts.from_store) == (1, 0, Lists())
    assert counts.waits.count == 1


async def test_what_lists_from_the_store_take_is_counted(api: Api) -> None:
    await fill(api, "a", "b")
    revision = await api.storage.current_revision()
    await fill(api, "c")
    path = f"{MAPS}?resourceVersion={revision}&resourceVersionMatch=Exact&labelSelector=first=a"
    assert names(await api.request("GET", path)) == ["a"]
    counts = api.cache.resource(CONFIG_MAPS).counts
    assert (counts.from_store, counts.from_cache) == (Lists(1, 2, 2, 1), {})
