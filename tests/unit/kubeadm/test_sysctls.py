"""What kube-proxy changes of the machine is as before when the cluster is down."""

from __future__ import annotations

from pathlib import Path

from kubeadm import sysctls

ESTABLISHED = "netfilter/nf_conntrack_tcp_timeout_established"
CLOSE_WAIT = "netfilter/nf_conntrack_tcp_timeout_close_wait"


def machine(folder: Path, **values: str) -> Path:
    net = folder / "net"
    for name in (ESTABLISHED, CLOSE_WAIT):
        (net / name).parent.mkdir(parents=True, exist_ok=True)
        (net / name).write_text(f"{values[name.rpartition('_')[2]]}\n")
    return net


def test_what_was_changed_is_put_back_once(tmp_path: Path) -> None:
    net = machine(tmp_path, established="432000", wait="60")
    sysctls.note(tmp_path, net)
    (net / ESTABLISHED).write_text("86400")
    sysctls.note(tmp_path, net)  # `up` once more
    assert sysctls.put_back(tmp_path, net) == ["net.netfilter.nf_conntrack_tcp_timeout_established"]
    assert (net / ESTABLISHED).read_text() == "432000"
    (net / CLOSE_WAIT).write_text("3600")
    assert sysctls.put_back(tmp_path, net) == [], "it is nobody's business any more"
    assert (net / CLOSE_WAIT).read_text() == "3600"


def test_what_the_machine_does_not_have_is_left_alone(tmp_path: Path) -> None:
    sysctls.note(tmp_path, tmp_path / "net")
    assert sysctls.put_back(tmp_path, machine(tmp_path, established="1", wait="2")) == []
    assert sysctls.put_back(tmp_path / "nowhere", tmp_path) == []
