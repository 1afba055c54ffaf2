"""KubeProxyConfiguration, flags, and what the node adds to them."""

from __future__ import annotations

from contextlib import suppress

import pytest

from apimachinery.objects import Object
from component_base.flags import parse
from kube_proxy.config import ConfigError, Configuration, from_options, parse_configuration, split_address
from kube_proxy.config_shape import CONFIGURATION
from kube_proxy.context import PodTraffic
from kube_proxy.node import base_context, context_of, detect_local, is_eligible, node_port_ips
from kube_proxy.options import Options
from kube_proxy.tracking import Tracking, sysctls_of
from tests.unit.wrong_types import misshapen

HEAD = {"apiVersion": "kubeproxy.config.k8s.io/v1alpha1", "kind": "KubeProxyConfiguration"}


def test_an_empty_file_and_no_flags_mean_the_same() -> None:
    assert parse_configuration(HEAD) == from_options(parse(Options, [], prog="kube-proxy")) == Configuration()


def test_the_file_is_read() -> None:
    document = {
        **HEAD, "mode": "nftables", "clusterCIDR": "10.244.0.0/16", "hostnameOverride": "n",
        "nodePortAddresses": ["192.168.0.0/24"], "nftables": {"masqueradeBit": 3, "minSyncPeriod": "1s"},
        "clientConnection": {"kubeconfig": "/k", "qps": 5, "burst": 9}, "iptables": {"masqueradeBit": 14},
    }  # fmt: skip
    assert parse_configuration(document) == Configuration(
        cluster_cidr="10.244.0.0/16", hostname="n", node_port_addresses=("192.168.0.0/24",),
        masquerade_bit=3, min_sync_period=1.0, kubeconfig="/k", qps=5, burst=9,
    )  # fmt: skip


@pytest.mark.parametrize("adjustment", [-1001, 1001])
def test_the_kernel_knows_no_such_oom_score(adjustment: int) -> None:
    complaint = f"Invalid value: {adjustment}: must be within the range"
    with pytest.raises(ConfigError, match=complaint):
        parse_configuration({**HEAD, "oomScoreAdj": adjustment})
    with pytest.raises(ConfigError, match=complaint):
        from_options(parse(Options, [f"--oom-score-adj={adjustment}"], prog="kube-proxy"))


def test_each_mode_has_settings_of_its_own() -> None:
    sections = {
        "iptables": {"masqueradeBit": 5, "minSyncPeriod": "2s", "localhostNodePorts": False},
        "nftables": {"masqueradeAll": True},
    }
    assert parse_configuration({**HEAD, **sections, "mode": "iptables"}) == Configuration(
        mode="iptables", masquerade_bit=5, min_sync_period=2.0, localhost_node_ports=False
    )
    flags = ["--proxy-mode=iptables", "--iptables-min-sync-period=2s", "--iptables-masquerade-bit=5"]
    assert from_options(parse(Options, flags, prog="kube-proxy")) == Configuration(
        mode="iptables", masquerade_bit=5, min_sync_period=2.0
    )


def test_a_mode_that_is_not_given_is_what_the_machine_has() -> None:
    assert parse_configuration(HEAD, "iptables").mode == "iptables"
    assert from_options(parse(Options, [], prog="kube-proxy"), "iptables").mode == "iptables"


def test_how_connections_are_tracked_is_read() -> None:
    section = {"maxPerCore": 0, "tcpCloseWaitTimeout": "30s", "tcpBeLiberal": True, "udpTimeout": "1m"}
    flags = [
        "--conntrack-max-per-core=0", "--conntrack-tcp-timeout-close-wait=30s", "--conntrack-tcp-be-liberal",
        "--conntrack-udp-timeout=1m",
    ]  # fmt: skip
    expected = Tracking(max_per_core=0, tcp_close_wait_timeout=30, tcp_be_liberal=True, udp_timeout=60)
    assert parse_configuration({**HEAD, "conntrack": section}).tracking == expected
    assert from_options(parse(Options, flags, prog="kube-proxy")).tracking == expected


@pytest.mark.parametrize(
    ("tracking", "cores", "expected"),
    [
        pytest.param(
            Tracking(), 2,
            {
                "nf_conntrack_max": 131072, "nf_conntrack_tcp_timeout_established": 86400,
                "nf_conntrack_tcp_timeout_close_wait": 3600,
            }, id="upstream's defaults",
        ),
        pytest.param(
            Tracking(tcp_established_timeout=0, tcp_close_wait_timeout=0), 8, {"nf_conntrack_max": 262144},
            id="as many as there are cores for",
        ),
        pytest.param(
            Tracking(
                max_per_core=0, tcp_established_timeout=0, tcp_close_wait_timeout=0, tcp_be_liberal=True,
                udp_timeout=30, udp_stream_timeout=120,
            ), 8,
            {
                "nf_conntrack_tcp_be_liberal": 1, "nf_conntrack_udp_timeout": 30,
                "nf_conntrack_udp_timeout_stream": 120,
            }, id="without a number for each core the limit stays",
        ),
    ],
)  # fmt: skip
def test_tracking_becomes_sysctls(tracking: Tracking, cores: int, expected: dict[str, int]) -> None:
    assert sysctls_of(tracking, cores) == expected


@pytest.mark.parametrize(
    ("more", "message"),
    [
        pytest.param({"featureGates": {"Nothing": True}}, "unrecognized feature gate: Nothing", id="gates"),
        pytest.param(
            {"mode": "ipvs"}, 'unsupported proxy mode "ipvs": must be one of nftables, iptables', id="mode"
        ),
        pytest.param(
            {"nodePortAddresses": ["10.0.0.1"]},
            'invalid nodePortAddresses "10.0.0.1": must be "primary" or a CIDR',
            id="node port addresses",
        ),
        pytest.param(
            {"conntrack": {"min": -1}}, "conntrack.min: must be greater than or equal to 0", id="negative"
        ),
        pytest.param(
            {"conntrack": {"maxPerCore": "many"}},
            "json: cannot unmarshal string into Go struct field "
            "KubeProxyConntrackConfiguration.conntrack.maxPerCore of type int32",
            id="no number",
        ),
        pytest.param(
            {"conntrack": {"udpTimeout": 30}},
            "json: cannot unmarshal number into Go struct field "
            "KubeProxyConntrackConfiguration.conntrack.udpTimeout of type string",
            id="seconds without a unit",
        ),
        pytest.param(
            {"conntrack": {"udpTimeout": "soon"}}, 'time: invalid duration "soon"', id="no duration"
        ),
        pytest.param(
            {"conntrack": ["x"]},
            "json: cannot unmarshal array into Go struct field KubeProxyConfiguration.conntrack of type "
            "v1alpha1.KubeProxyConntrackConfiguration",
            id="a list",
        ),
        pytest.param(
            {"iptables": {"minSyncPeriod": [1]}},
            "json: cannot unmarshal array into Go struct field "
            "KubeProxyIPTablesConfiguration.iptables.minSyncPeriod of type string",
            id="a list for a duration",
        ),
        pytest.param(
            {"showHiddenMetricsForVersion": "1.2"},
            'KubeProxyConfiguration.ShowHiddenMetricsForVersion: Invalid value: "1.2": '
            "--show-hidden-metrics-for-version must be omitted or have the value '1.33'. Only the previous "
            "minor version is allowed",
            id="hidden metrics of a version long gone",
        ),
        pytest.param({"detectLocalMode": "x"}, 'unsupported detect-local-mode "x"', id="local mode"),
    ],
)
def test_what_can_not_be_done_is_refused(more: Object, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_configuration({**HEAD, **more})
    assert str(caught.value) == message


def test_what_nobody_knows_is_ignored_and_said(caplog: pytest.LogCaptureFixture) -> None:
    assert parse_configuration({**HEAD, "x": 1, "iptables": {"y": 2}}) == parse_configuration(HEAD)
    assert "Ignoring unknown fields of the configuration: fields=['iptables.y', 'x']" in caplog.messages


def test_nothing_of_a_wrong_type_is_more_than_refused() -> None:
    for each in misshapen(CONFIGURATION):
        with suppress(ConfigError):
            parse_configuration({**HEAD, **each} if isinstance(each, dict) else each)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param(Configuration(), None, id="nothing is known"),
        pytest.param(
            Configuration(cluster_cidr="fd00::/64,10.244.0.0/16"),
            PodTraffic("source", "10.244.0.0/16"),
            id="cluster CIDR of the family",
        ),
        pytest.param(
            Configuration(detect_local_mode="NodeCIDR", cluster_cidr="10.244.0.0/16"),
            PodTraffic("source", "10.244.3.0/24"),
            id="node CIDR",
        ),
        pytest.param(
            Configuration(detect_local_mode="BridgeInterface", bridge_interface="br0"),
            PodTraffic("interface", "br0"),
            id="bridge",
        ),
        pytest.param(
            Configuration(detect_local_mode="InterfaceNamePrefix", interface_name_prefix="veth"),
            PodTraffic("interface prefix", "veth"),
            id="prefix",
        ),
    ],
)
def test_traffic_of_pods_is_recognized(config: Configuration, expected: PodTraffic | None) -> None:
    assert detect_local(config, "10.244.3.0/24", 4) == expected


@pytest.mark.parametrize(
    ("mode", "wanted", "expected", "everywhere", "localhost"),
    [
        pytest.param("nftables", (), {"192.168.0.2"}, False, False, id="nftables: the node's own"),
        pytest.param(
            "nftables", ("primary", "10.0.0.0/8"), {"192.168.0.2", "10.1.1.1"}, False, False, id="both",
        ),
        pytest.param("nftables", ("10.0.0.0/8",), {"10.1.1.1"}, False, False, id="by CIDR"),
        pytest.param(
            "nftables", ("0.0.0.0/0",), {"192.168.0.2", "10.1.1.1"}, True, False, id="all but loopback"
        ),
        pytest.param(
            "iptables", (), {"127.0.0.1", "192.168.0.2", "10.1.1.1"}, True, True, id="iptables: all"
        ),
        pytest.param("iptables", ("primary",), {"192.168.0.2"}, False, False, id="iptables: the node's own"),
        pytest.param("iptables", ("127.0.0.1/32",), {"127.0.0.1"}, False, True, id="iptables: only loopback"),
    ],
)  # fmt: skip
def test_node_ports_are_open_on_chosen_addresses(
    mode: str, wanted: tuple[str, ...], expected: set[str], everywhere: bool, localhost: bool
) -> None:
    config = Configuration(mode=mode, node_port_addresses=wanted)
    addresses = ("127.0.0.1", "192.168.0.2", "10.1.1.1", "fe80::1")
    assert node_port_ips(config, ("192.168.0.2",), addresses, 4) == expected
    base = base_context(config, "n")
    assert (base.node_ports_everywhere, base.localhost_node_ports) == (everywhere, localhost)


def test_the_address_of_the_node_may_be_given() -> None:
    node = {"metadata": {}, "status": {"addresses": [{"type": "InternalIP", "address": "192.168.0.2"}]}}
    for given, expected in (("0.0.0.0", "192.168.0.2"), ("10.1.1.1", "10.1.1.1"), ("::", "192.168.0.2")):
        config = Configuration(bind_address=given)
        assert context_of(base_context(config, "n"), config, node, (), ()).node_ips == (expected,)


def test_the_context_takes_addresses_and_labels_from_the_node() -> None:
    config = Configuration(masquerade_bit=3)
    node = {
        "metadata": {"name": "n", "labels": {"topology.kubernetes.io/zone": "z"}},
        "status": {"addresses": [{"type": "InternalIP", "address": "192.168.0.2"}]},
    }
    context = context_of(base_context(config, "n"), config, node, (), ("fd00::/108", "10.96.0.0/12"))
    assert (context.node_ips, context.masquerade_mark) == (("192.168.0.2",), "0x8")
    assert context.service_cidrs == ("10.96.0.0/12",)
    assert context.node_labels == {"topology.kubernetes.io/zone": "z"}


@pytest.mark.parametrize(
    ("node", "eligible"),
    [
        pytest.param(None, False, id="unknown"),
        pytest.param({"metadata": {}}, True, id="there"),
        pytest.param({"metadata": {"deletionTimestamp": "x"}}, False, id="being deleted"),
        pytest.param(
            {"metadata": {}, "spec": {"taints": [{"key": "ToBeDeletedByClusterAutoscaler"}]}},
            False,
            id="about to be",
        ),
    ],
)
def test_a_node_that_goes_gets_no_more_traffic(node: Object | None, eligible: bool) -> None:
    assert is_eligible(node) is eligible


def test_addresses_are_split() -> None:
    assert [split_address(text) for text in ("0.0.0.0:1", "[::]:2", ":3", "127.0.0.1:0")] == [
        ("0.0.0.0", 1), ("::", 2), ("0.0.0.0", 3), ("127.0.0.1", 0),
    ]  # fmt: skip
