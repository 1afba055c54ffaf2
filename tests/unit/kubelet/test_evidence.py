"""What the kubelet remembers for those who ask why: steps, probe results, listening sockets."""

from __future__ import annotations

import asyncio

import pytest

from apimachinery.objects import NamespacedName, Object
from kubelet.journal import MAX_PODS, MAX_STEPS, Journal
from kubelet.network.listening import Listener, parse_table
from kubelet.probes.history import KEPT, MAX_MESSAGE, ProbeHistory
from kubelet.probes.outcome import Attempt, Outcome, ProbeKind
from tests.unit.kubelet.builders import make_container, make_pod
from tests.unit.kubelet.world import living, now

KEY = NamespacedName("shop", "cart")


def pod(uid: str = "u1") -> Object:
    return {"metadata": {"namespace": KEY.namespace, "name": KEY.name, "uid": uid}}


@pytest.mark.looptime
async def test_a_step_has_its_time_its_duration_and_its_failure() -> None:
    journal = Journal(now)
    with journal.step(pod(), "image", "web"):
        await asyncio.sleep(1.5)
    with pytest.raises(ValueError, match="no such host"), journal.step(pod(), "create", "web"):
        raise ValueError("no such host")
    (image, create) = journal.of(KEY)["u1"]
    assert image == {
        "step": "image", "container": "web", "time": "2026-01-01T00:00:00.000000Z", "milliseconds": 1500.0,
    }  # fmt: skip
    assert (create["step"], create["error"]) == ("create", "no such host")


@pytest.mark.looptime
async def test_what_happens_again_is_counted() -> None:
    journal = Journal(now)
    for _ in range(3):
        journal.note(pod(), "seen")
        await asyncio.sleep(1)
    (step,) = journal.of(KEY)["u1"]
    assert step == {"step": "seen", "time": "2026-01-01T00:00:00.000000Z", "count": 3,
                    "lastTime": "2026-01-01T00:00:02.000000Z"}  # fmt: skip


@pytest.mark.looptime
async def test_memory_is_bounded_and_the_start_is_kept() -> None:
    journal = Journal(now)
    journal.note(pod(), "seen")
    for number in range(MAX_STEPS * 2):
        journal.note(pod(), "image", error=f"failure {number}")
    steps = journal.of(KEY)["u1"]
    assert (len(steps), steps[0]["step"], steps[-1]["error"]) == (MAX_STEPS, "seen", "failure 199")
    for number in range(MAX_PODS):
        journal.note(pod(f"other-{number}"), "seen")
    assert "u1" not in journal.of(KEY)


@pytest.mark.looptime
async def test_pods_that_had_the_same_name_are_told_apart() -> None:
    journal = Journal(now)
    for uid in ("u1", "u2"):
        journal.note(pod(uid), "seen")
    assert list(journal.of(KEY)) == ["u1", "u2"]
    assert journal.of(NamespacedName("shop", "other")) == {}


@pytest.mark.looptime
async def test_a_start_is_told_in_order() -> None:
    async with living() as world:
        world.api.put(make_pod(make_container(command=["sleep", "1000"])))
        await world.until_ready()
        (steps,) = world.assembly.kubelet.journal.of(KEY).values()
        told = [each["step"] for each in steps]
        assert told == ["seen", "volumes", "sandbox", "image", "config", "create", "start", "all started"]


@pytest.mark.looptime
async def test_results_of_probes_are_kept_over_a_restart_and_gone_with_the_pod() -> None:
    async with living() as world:
        probe = {"httpGet": {"port": 80}, "periodSeconds": 1, "failureThreshold": 2}
        container = make_container(command=["sleep", "1000"], livenessProbe=probe)
        made = make_pod(container)
        made["metadata"]["annotations"] = {"hollow.sampan.io/ready-after": "1000s"}
        world.api.put(made)
        await world.until_restarted(1)
        (liveness,) = world.assembly.probes.history.of("u1")
        assert (liveness["container"], liveness["probe"], liveness["healthy"]) == ("web", "Liveness", False)
        assert liveness["failures"] == liveness["attempts"] == 2
        assert liveness["last"][0]["message"] == "the hollow container does not answer"
        world.api.delete_pod(0)
        await world.until(lambda: world.assembly.workers.get("u1") is None)
        assert world.assembly.probes.history.of("u1") == []


@pytest.mark.looptime
async def test_only_the_last_results_are_kept_and_only_the_head_of_what_was_said() -> None:
    history = ProbeHistory(now)
    for _ in range(KEPT + 5):
        history.attempted("u1", "web", ProbeKind.READINESS, Attempt(Outcome.FAILURE, "x" * 1000), 1.0)
    (readiness,) = history.of("u1")
    assert (readiness["attempts"], len(readiness["last"])) == (KEPT + 5, KEPT)
    assert readiness["last"][0]["message"] == "x" * MAX_MESSAGE


TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   2: 0100007F:0050 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
"""
TCP6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue
   0: 00000000000000000000000000000000:01BB 00000000000000000000000000000000:0000 0A 00000000:00000000
   1: 00000000000000000000000001000000:0035 00000000000000000000000000000000:0000 0A 00000000:00000000
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(TCP, [("0.0.0.0", 8080), ("127.0.0.1", 80)], id="version 4, without connections"),
        pytest.param(TCP6, [("::", 443), ("::1", 53)], id="version 6"),
        pytest.param("", [], id="nothing"),
    ],
)
def test_the_kernels_tables_are_read(text: str, expected: list[tuple[str, int]]) -> None:
    assert list(parse_table(text, "TCP", "0A")) == [Listener("TCP", *each) for each in expected]
