"""Static pods of a URL: one or a list, what a bad answer changes, and what is told of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

import orjson
import pytest

from apimachinery.objects import Object
from kubelet.static_pods.manifest import ManifestError, Origin, static_pod, static_pods
from kubelet.static_pods.url import FetchError, ManifestUrl, fetch
from tests.fakes.http_server import Exchange, scripted
from tests.unit.kubelet.builders import make_container
from tests.unit.kubelet.world import EPOCH

URL = "http://manifests.example/pods"
ORIGIN = Origin("http", URL, "n1")


def manifest(name: str = "web") -> Object:
    spec = {"containers": [make_container()]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def listed(*pods: Object) -> bytes:
    items = [{key: value for key, value in pod.items() if key not in ("apiVersion", "kind")} for pod in pods]
    return orjson.dumps({"apiVersion": "v1", "kind": "PodList", "items": items})


def test_a_pod_of_a_url_says_so_and_tolerates_nothing_of_its_own() -> None:
    (pod,) = static_pods(orjson.dumps(manifest()), ORIGIN, EPOCH)
    uid = pod["metadata"]["uid"]
    assert pod["metadata"] == {
        "name": "web-n1",
        "namespace": "default",
        "uid": uid,
        "annotations": {
            "kubernetes.io/config.hash": uid,
            "kubernetes.io/config.seen": "2026-01-01T00:00:00Z",
            "kubernetes.io/config.source": "http",
        },
    }
    assert "tolerations" not in pod["spec"]
    assert pod["spec"]["nodeName"] == "n1"


def test_the_uid_is_that_of_the_url_and_not_of_the_node() -> None:
    text = orjson.dumps(manifest())
    origins = (ORIGIN, Origin("http", URL, "n2"), Origin("http", f"{URL}/2", "n1"), Origin("file", URL, "n1"))
    uids = [static_pod(text, each, EPOCH)["metadata"]["uid"] for each in origins]
    assert uids[0] == uids[1]
    assert len(set(uids)) == 3


def test_a_list_is_as_good_as_its_pods() -> None:
    pods = static_pods(listed(manifest("a"), manifest("b")), ORIGIN, EPOCH)
    assert [pod["metadata"]["name"] for pod in pods] == ["a-n1", "b-n1"]
    assert pods[0] == static_pod(orjson.dumps(manifest("a")), ORIGIN, EPOCH)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"{}", "Object 'Kind' is missing in '{}'"),
        (b'{"kind":"Pod"}', "Object 'apiVersion' is missing in '{\"kind\":\"Pod\"}'"),
        (b'{"apiVersion":"v1","kind":"ConfigMap"}', "invalid pod: it is a ConfigMap of version v1"),
        (listed(manifest(""), manifest("b")), "invalid pod: name is needed for the pod"),
        (listed({**manifest(), "spec": {}}), "invalid pod: [spec.containers: Required value]"),
        (
            listed({**manifest(), "spec": {**manifest()["spec"], "serviceAccountName": "x"}}),
            "static pods may not reference serviceaccounts",
        ),
        (b'{"apiVersion":"v1","kind":"PodList","items":{}}', "of type []v1.Pod"),
    ],
    ids=["nothing", "version", "kind", "name", "containers", "account", "items"],
)
def test_what_is_wrong_with_one_costs_all(text: bytes, words: str) -> None:
    with pytest.raises(ManifestError) as raised:
        static_pods(text, ORIGIN, EPOCH)
    assert words in str(raised.value)


class Answers:
    """What is fetched, one after the other, for ever the last; a text that is an error is raised."""

    def __init__(self, *answers: bytes | FetchError) -> None:
        self._answers = list(answers)
        self.asked_at: list[float] = []

    async def __call__(self) -> bytes:
        self.asked_at.append(asyncio.get_running_loop().time())
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, FetchError):
            raise answer
        return answer


def following(*answers: bytes | FetchError) -> tuple[ManifestUrl, Answers]:
    asked = Answers(*answers)
    return ManifestUrl(URL, asked, "n1", period=20.0, now=lambda: EPOCH), asked


def names(source: ManifestUrl) -> list[str]:
    return [key.name for key in source.read()]


A, B, DOWN = orjson.dumps(manifest("a")), orjson.dumps(manifest("b")), FetchError("down")


@pytest.mark.looptime
async def test_it_is_asked_at_once_and_then_at_each_period() -> None:
    source, asked = following(A, A, B)
    assert names(source) == []
    await source.changed()
    assert (names(source), asked.asked_at) == (["a-n1"], [0])
    await source.changed()
    assert (names(source), asked.asked_at) == (["b-n1"], [0, 20, 40])


@pytest.mark.looptime
async def test_a_failure_changes_nothing_and_an_empty_answer_takes_all_away() -> None:
    source, asked = following(DOWN, A, DOWN, b"{}", b"", A)
    await source.changed()
    assert names(source) == ["a-n1"]
    await source.changed()
    assert (names(source), len(asked.asked_at)) == ([], 5)
    await source.changed()
    assert names(source) == ["a-n1"]


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("answers", "at"), [((DOWN, b"{}", A), 40.0), ((b"",), 0.0)], ids=["failures", "empty"]
)
async def test_the_pods_are_known_as_soon_as_the_url_has_answered(
    answers: Sequence[bytes | FetchError], at: float
) -> None:
    source, _ = following(*answers)
    async with asyncio.TaskGroup() as group:
        group.create_task(source.changed())
        await source.wait_known()
        assert asyncio.get_running_loop().time() == at


@pytest.mark.looptime
async def test_the_same_failure_is_told_loudly_four_times(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    source, _ = following(*[DOWN] * 5, A)
    await source.changed()
    told = [
        (each.levelname, each.message) for each in caplog.records if each.name == "kubelet.static_pods.url"
    ]
    failed, dropping = "Failed to read pods from URL", "Dropping verbosity of this message to V(4)"
    assert told == [
        *[("INFO", f"{failed}: err=down")] * 3,
        ("INFO", f"{failed}. {dropping}: err=down"),
        ("DEBUG", f"{failed}: err=down"),
        ("INFO", "Successfully read pods from URL"),
    ]


@pytest.mark.looptime
async def test_what_is_wrong_is_told_once_as_long_as_it_stays_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    source, _ = following(b"{}", b"{}", A)
    await source.changed()
    problem = "Object 'Kind' is missing in '{}'"
    words = f"{URL}: received '{{}}', but couldn't parse as single ({problem}) or multiple pods ({problem})"
    assert [each.message for each in caplog.records if each.name == "kubelet.static_pods.url"] == [
        f"Failed to read pods from URL: err={words}",
        "Successfully read pods from URL",
    ]


async def lead_on(exchange: Exchange) -> None:
    if exchange.line.startswith("GET /moved "):
        await exchange.answer(b"", "302 Found", "location: /pods")
    elif exchange.line.startswith("GET /round "):
        await exchange.answer(b"", "302 Found", "location: /round")
    elif exchange.line.startswith("GET /pods "):
        await exchange.answer(A)
    else:
        await exchange.answer(b"no", "404 Not Found")


async def test_headers_are_sent_and_redirects_followed() -> None:
    async with scripted(lead_on) as server:
        url = f"http://127.0.0.1:{server.port}/moved"
        assert await fetch(url, {"X-Token": ["one", "zwölf"]}) == A
        heads = [each.head.lower() for each in server.exchanges]
        assert [head.count("x-token: ") for head in heads] == [2, 2]


async def test_refusals_are_told_in_gos_words() -> None:
    async with scripted(lead_on) as server:
        url = f"http://127.0.0.1:{server.port}"
        refused = "dial tcp 127.0.0.1:1: connect: connection refused"
        cases = {
            f"{url}/none": f"{url}/none: 404 Not Found",
            f"{url}/round": f'Get "{url}/round": stopped after 10 redirects',
            "http://127.0.0.1:1/": f'Get "http://127.0.0.1:1/": {refused}',
        }
        for asked, words in cases.items():
            with pytest.raises(FetchError) as raised:
                await fetch(asked, {})
            assert str(raised.value) == words
