"""Flags: upstream's names from a dataclass, refused when unknown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pytest

from component_base.flag_values import parse_ip, parse_port_range
from component_base.flags import CommonOptions, FlagHelp, describe, duration, flag, parse, unused


@dataclass(frozen=True)
class Options(CommonOptions):
    bind_address: str = flag("0.0.0.0", "address", parse=parse_ip)
    secure_port: int = flag(10257, "port")
    leader_elect: bool = flag(True, "elect")
    controllers: tuple[str, ...] = flag(("*",), "which")
    feature_gates: dict[str, str] = flag({"A": "false"}, "gates")  # noqa: RUF009  (makes a field)
    node_monitor_period: float = duration(5.0, "period")
    kubelet_port: int = flag(10250, "port", name="port")
    rotates: bool | None = flag(None, "nothing said is not false")
    dns: Sequence[str] | None = flag(None, "a list that may be missing")
    reserved: Mapping[str, str] | None = flag(None, "a map that may be missing")


@pytest.mark.parametrize(
    ("argv", "field", "value"),
    [
        pytest.param([], "secure_port", 10257, id="default"),
        pytest.param(["--secure-port=1"], "secure_port", 1, id="number"),
        pytest.param(["--secure-port", "1"], "secure_port", 1, id="value as the next word"),
        pytest.param(["--leader-elect=false"], "leader_elect", False, id="off"),
        pytest.param(["--leader-elect"], "leader_elect", True, id="on"),
        pytest.param(["--controllers=*,-gc"], "controllers", ("*", "-gc"), id="list"),
        pytest.param(["--controllers=a", "--controllers=b"], "controllers", ("a", "b"), id="list in parts"),
        pytest.param(
            ["--feature-gates=B=1", "--feature-gates=C=2"],
            "feature_gates",
            {"B": "1", "C": "2"},
            id="map in parts",
        ),
        pytest.param(
            ["--feature-gates=A=true,B=false"], "feature_gates", {"A": "true", "B": "false"}, id="map"
        ),
        pytest.param([], "feature_gates", {"A": "false"}, id="default map"),
        pytest.param(["--node-monitor-period=1m30s"], "node_monitor_period", 90.0, id="duration"),
        pytest.param([], "rotates", None, id="nothing said"),
        pytest.param(["--rotates"], "rotates", True, id="on, of three"),
        pytest.param(["--dns=a", "--dns=b"], "dns", ("a", "b"), id="missing list"),
        pytest.param(["--reserved=cpu=1"], "reserved", {"cpu": "1"}, id="missing map"),
        pytest.param(["--port=5"], "kubelet_port", 5, id="another name"),
        pytest.param(["--secure_port", "5"], "secure_port", 5, id="underscores"),
        pytest.param(["--feature_gates=A_b=c_d"], "feature_gates", {"A_b": "c_d"}, id="and those of a value"),
        pytest.param(["-v=4"], "v", 4, id="short verbosity"),
        pytest.param(["--v=4"], "v", 4, id="long verbosity"),
    ],
)
def test_flags_set_fields(argv: list[str], field: str, value: object) -> None:
    assert getattr(parse(Options, argv, prog="test"), field) == value


INVALID = 'Error: invalid argument "{0}" for "{1}" flag: strconv.Parse{2}: parsing "{0}": invalid syntax\n'


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        pytest.param(["--colour=red"], "unknown flag: --colour", id="unknown"),
        pytest.param(["--secure=1"], "unknown flag: --secure", id="no abbreviations"),
        pytest.param(["serve"], 'unknown command "serve" for "test"', id="a word"),
        pytest.param(["--secure-port=x"], INVALID.format("x", "--secure-port", "Int"), id="no number"),
        pytest.param(["-v=-1"], INVALID.format("-1", "-v, --v", "Uint"), id="no verbosity"),
        pytest.param(["--secure-port"], "flag needs an argument: --secure-port\n", id="no value"),
        pytest.param(["--v"], "flag needs an argument: --v\n", id="no value of what is short, too"),
        pytest.param(
            ["--leader-elect=maybe"], INVALID.format("maybe", "--leader-elect", "Bool"), id="no boolean"
        ),
        pytest.param(["--bind-address=foo"], ' flag: failed to parse IP: "foo"\n', id="no address"),
        pytest.param(["--node-monitor-period=5"], ': time: missing unit in duration "5"\n', id="no duration"),
    ],
)
def test_what_is_wrong_is_said(argv: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(Options, argv, prog="test")
    assert caught.value.code == 1
    assert message in capsys.readouterr().err


def test_flags_are_described_as_they_are_written() -> None:
    assert describe(Options)[len(describe(CommonOptions)) :] == [
        FlagHelp("--bind-address", "address", "0.0.0.0"),
        FlagHelp("--secure-port", "port", "10257"),
        FlagHelp("--leader-elect", "elect", "true"),
        FlagHelp("--controllers", "which", "*"),
        FlagHelp("--feature-gates", "gates", "A=false"),
        FlagHelp("--node-monitor-period", "period", "5s"),
        FlagHelp("--port", "port", "10250"),
        FlagHelp("--rotates", "nothing said is not false", ""),
        FlagHelp("--dns", "a list that may be missing", ""),
        FlagHelp("--reserved", "a map that may be missing", ""),
    ]


UNUSED = unused(bools="profiling", numbers="burst", durations="sync-period", texts="cloud-config")


@pytest.mark.parametrize(
    ("argv", "noted"),
    [
        pytest.param([], (), id="none"),
        pytest.param(["--profiling", "--burst=5"], ("--profiling", "--burst"), id="two"),
        pytest.param(["--profiling=false"], ("--profiling",), id="a boolean with its value"),
        pytest.param(
            ["--sync-period", "1m", "--cloud-config=a"], ("--sync-period", "--cloud-config"), id="others"
        ),
    ],
)
def test_flags_that_change_nothing_are_noted(argv: list[str], noted: tuple[str, ...]) -> None:
    options = parse(Options, argv, prog="test", unused=UNUSED)
    assert options == Options(unused=noted)


@pytest.mark.parametrize("argument", ["--profiling=maybe", "--burst=many", "--sync-period=soon"])
def test_and_they_are_read_all_the_same(argument: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(Options, [argument], prog="test", unused=UNUSED)
    assert argument.partition("=")[0] in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("--version", "Kubernetes v1.34"),
        ("--version=true", "Kubernetes v1.34"),
        ("--version=raw", 'version.Info{Major:"1", Minor:"34", '),
    ],
)
def test_the_version(argument: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(Options, [argument], prog="test")
    assert caught.value.code == 0
    assert capsys.readouterr().out.startswith(told)


def test_the_version_may_stay_untold() -> None:
    assert parse(Options, ["--version=false"], prog="test") == Options()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30000-32767", "30000-32767"),
        (" 30000+2767 ", "30000-32767"),
        ("30000", "30000-30000"),
        ("30000-", 'strconv.Atoi: parsing "": invalid syntax'),
        ("x", 'strconv.Atoi: parsing "x": invalid syntax'),
        ("1-2+3", "unable to parse port range: 1-2+3"),
        ("60000+9999", "the port range cannot be greater than 65535: 60000+9999"),
        ("2-1", "end port cannot be less than start port: 2-1"),
    ],
)
def test_a_range_of_ports_is_written_in_three_ways(text: str, expected: str) -> None:
    try:
        found = parse_port_range(text)
    except ValueError as error:
        found = str(error)
    assert found == expected
