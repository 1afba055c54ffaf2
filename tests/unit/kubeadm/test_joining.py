"""Tokens, what a cluster holds ready for newcomers, and how these find out whom they talk to."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from apimachinery.bootstrap_tokens import BootstrapToken, parse_token, sign
from apimachinery.objects import Object
from apimachinery.serialize import from_yaml_all
from kubeadm import join
from kubeadm.certs import ensure_pki
from kubeadm.components import kubelet_configuration, worker
from kubeadm.config import ClusterConfig
from kubeadm.discovery import read_cluster_info
from kubeadm.host import HostError
from kubeadm.invitation import ca_hash, cluster_configuration, join_command, objects
from kubeadm.join import gates_of, pool_of, start
from kubeadm.kubeconfigs import write_kubeconfigs
from kubeadm.progress import Progress
from kubeadm.tokens import new_token, table, token_secret
from kubeadm.units import Unit

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TOKEN = BootstrapToken("abcdef", "0123456789abcdef")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> ClusterConfig:
    made = ClusterConfig(state_dir=tmp_path_factory.mktemp("state"), node_name="n1", node_ip="192.0.2.7")
    ensure_pki(made)
    write_kubeconfigs(made)
    return made


@pytest.fixture
def info(config: ClusterConfig) -> Object:
    """kube-public/cluster-info, signed as the bootstrap signer does."""
    found = objects(config)[0]
    data = found["data"]
    return {**found, "data": {**data, "jws-kubeconfig-abcdef": sign(data["kubeconfig"], TOKEN)}}


def test_a_newcomer_learns_the_cluster_s_ca_and_address(config: ClusterConfig, info: Object) -> None:
    ca = (config.pki / "ca.crt").read_bytes()
    assert read_cluster_info(info, TOKEN, [ca_hash(ca)]) == (ca, "https://192.0.2.7:6443")
    assert read_cluster_info(info, TOKEN, []) == (ca, "https://192.0.2.7:6443")


@pytest.mark.parametrize(
    ("token", "hashes", "problem"),
    [
        pytest.param(BootstrapToken("aaaaaa", TOKEN.secret), [], "does not know a token", id="an unknown id"),
        pytest.param(
            BootstrapToken("abcdef", "fedcba9876543210"), [], "may be forged", id="another secret part"
        ),
        pytest.param(TOKEN, ["sha256:00"], "not expected", id="another CA"),
    ],
)
def test_a_newcomer_refuses_what_is_not_vouched_for(
    info: Object, token: BootstrapToken, hashes: list[str], problem: str
) -> None:
    with pytest.raises(HostError, match=problem):
        read_cluster_info(info, token, hashes)


def test_what_anybody_may_read_has_no_credentials(config: ClusterConfig) -> None:
    [public] = [each for each in from_yaml_all(objects(config)[0]["data"]["kubeconfig"]) if each]
    assert not public["users"]
    assert set(public["clusters"][0]["cluster"]) == {"server", "certificate-authority-data"}


def test_the_join_command_has_all_that_a_newcomer_needs(config: ClusterConfig) -> None:
    command = join_command(config, TOKEN)
    assert command.startswith("sampan join 192.0.2.7:6443 --token abcdef.0123456789abcdef ")
    assert "--discovery-token-ca-cert-hash sha256:" in command


def test_a_newcomer_s_kubelet_asks_for_an_identity_and_its_proxy_shares_it() -> None:
    joined = ClusterConfig(
        state_dir=Path("/state"), node_name="n2", node_ip="192.0.2.8", endpoint="192.0.2.7:6443"
    )
    assert joined.server == "https://192.0.2.7:6443"
    kubelet, proxy = worker(joined)
    assert "--bootstrap-kubeconfig=/state/bootstrap-kubelet.conf" in kubelet.flags
    assert "--kubeconfig=/state/kubelet.conf" in kubelet.flags
    assert "--kubeconfig=/state/kubelet.conf" in proxy.flags
    assert "--hostname-override=n2" in kubelet.flags


def test_a_newcomer_answers_for_the_addresses_that_the_cluster_gives_out(config: ClusterConfig) -> None:
    config = replace(config, load_balancer_pool="192.0.2.64/27")
    assert pool_of(cluster_configuration(config)) == "192.0.2.64/27"
    assert pool_of(cluster_configuration(replace(config, load_balancer_pool=""))) == ""


@pytest.mark.parametrize("gates", ["ImageVolume=true,EnvFiles=false", ""])
def test_a_newcomer_s_proxy_has_the_cluster_s_feature_gates(config: ClusterConfig, gates: str) -> None:
    """Its kubelet has them by the configuration that all nodes share."""
    shared = kubelet_configuration(replace(config, feature_gates=gates))
    joined = replace(config, endpoint="192.0.2.7:6443", feature_gates=gates_of(shared))
    _, proxy = worker(joined)
    assert [flag for flag in proxy.flags if "gates" in flag] == [f"--feature-gates={gates}"] * bool(gates)


def test_new_tokens_are_tokens_and_differ() -> None:
    tokens = {str(new_token()) for _ in range(50)}
    assert len(tokens) == 50
    assert all(parse_token(token) for token in tokens)


def encoded(secret: Object) -> Object:
    data = {key: base64.b64encode(value.encode()).decode() for key, value in secret["stringData"].items()}
    return {**secret, "data": data}


def test_tokens_are_listed_as_kubeadm_does() -> None:
    found = [
        encoded(token_secret(TOKEN, "for a test", NOW + timedelta(hours=23))),
        encoded(token_secret(BootstrapToken("zzzzzz", TOKEN.secret), "", None)),
    ]
    assert table(found, NOW)[1:] == [
        ["abcdef.0123456789abcdef", "23h", "2026-01-01T23:00:00Z", "authentication,signing", "for a test"],
        ["zzzzzz.0123456789abcdef", "<forever>", "<never>", "authentication,signing", "<none>"],
    ]


class Started:
    """A launcher: what is wanted runs from then on. The cluster lets a kubelet in that it starts."""

    def __init__(self, config: ClusterConfig, *running: str) -> None:
        self._config = config
        self._running = set(running)

    def apply(self, wanted: Sequence[Unit]) -> list[str]:
        new = [each.name for each in wanted if each.name not in self._running]
        self._running |= {*new}
        self._config.kubeconfig("kubelet").touch()
        return new


@pytest.mark.parametrize(
    ("running", "has_certificate", "is_new"),
    [
        pytest.param([], False, True, id="a newcomer"),
        pytest.param([], True, True, id="one that comes again"),
        pytest.param(["kubelet"], True, False, id="one that is here"),
    ],
)
async def test_who_joins_waits_for_a_kubelet_that_is_new(
    config: ClusterConfig,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    running: list[str],
    has_certificate: bool,
    is_new: bool,
) -> None:
    own = replace(config, state_dir=tmp_path)
    if has_certificate:
        own.kubeconfig("kubelet").touch()
    monkeypatch.setattr(join, "launcher_of", lambda config: Started(config, *running))
    before = datetime.now(UTC)
    begun = await start(own, Progress())
    assert (begun is not None) is is_new
    assert begun is None or abs(begun - before) < timedelta(minutes=1)
