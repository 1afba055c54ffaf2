"""Which containers the kernel killed, from lines as it writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubelet.runtime.docker.oom import OomLog

VICTIM, OTHER = "29b8409975d93c6c" * 4, "11fd17a4ff7cdd13" * 4


def line(memcg: str) -> str:
    return (
        f"6,1520,6433385773,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset={OTHER},"
        f"mems_allowed=0,oom_memcg={memcg},task_memcg={memcg},task=dd,pid=27565,uid=0\n"
    )


@pytest.mark.parametrize(
    ("text", "killed"),
    [
        pytest.param(line(f"/docker/{VICTIM}"), True, id="under Docker's own group"),
        pytest.param(line(f"/kubepods/burstable/pod1/{VICTIM}"), True, id="under a pod's"),
        pytest.param(line(f"/system.slice/docker-{VICTIM}.scope"), True, id="under systemd"),
        pytest.param(line(f"/docker/{OTHER}"), False, id="another one"),
        pytest.param(f"6,1,2,-;veth{VICTIM}: renamed\n", False, id="another line"),
        pytest.param("", False, id="nothing"),
    ],
)
def test_the_victim_is_found(tmp_path: Path, text: str, killed: bool) -> None:
    (tmp_path / "kmsg").write_text(text)
    log = OomLog(tmp_path / "kmsg")
    assert log.has_killed(VICTIM) is killed
    log.close()


def test_what_is_written_later_is_found_too(tmp_path: Path) -> None:
    path = tmp_path / "kmsg"
    path.write_text("")
    log = OomLog(path)
    assert not log.has_killed(VICTIM)
    path.write_text(line(f"/docker/{VICTIM}"))
    assert log.has_killed(VICTIM)
    log.close()


def test_where_it_may_not_be_read_nothing_is_known(tmp_path: Path) -> None:
    log = OomLog(tmp_path / "none")
    assert not log.has_killed(VICTIM)
    log.close()
