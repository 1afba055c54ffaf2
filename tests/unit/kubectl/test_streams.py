"""What cp and port-forward decide: places, archives, ports."""

from pathlib import Path, PurePosixPath

import pytest

from apimachinery.objects import Object
from kubectl.copying.archives import Unpacking, packed, target_of
from kubectl.copying.places import Place, check, parse
from kubectl.failures import CommandError
from kubectl.portforward import ports
from kubectl.portforward.ports import Pair


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("/tmp/a", Place("/tmp/a")),
        ("pod:/tmp/a", Place("/tmp/a", "pod")),
        ("ns/pod:a:b", Place("a:b", "pod", "ns")),
        ("pod:", Place("", "pod")),
    ],
)
def test_places_are_here_or_in_a_pod(text: str, place: Place) -> None:
    assert parse(text) == place


@pytest.mark.parametrize("text", [":/a", "/pod:/a", "a/b/c:/a"])
def test_places_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(CommandError, match="canonical format"):
        parse(text)


@pytest.mark.parametrize(
    ("source", "destination", "message"),
    [
        ("a", "b", "one of src or dest must be a remote file specification"),
        ("p:a", "q:b", "one of src or dest must be a local file specification"),
        ("p:", "b", "filepath can not be empty"),
    ],
)
def test_one_side_is_here_and_one_is_not(source: str, destination: str, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        check(parse(source), parse(destination))


@pytest.mark.parametrize(
    ("member", "target"),
    [
        ("tmp/a", "/here"),
        ("tmp/a/b/c", "/here/b/c"),
        ("/tmp/a/b", "/here/b"),
        ("tmp/a/../../etc/passwd", None),
        ("tmp/other", None),
        ("../tmp/a", None),
    ],
)
def test_nothing_is_unpacked_outside_of_the_destination(member: str, target: str | None) -> None:
    found = target_of(member, PurePosixPath("tmp/a"), Path("/here"))
    assert found == (Path(target) if target else None)


async def test_what_is_packed_comes_out_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "source"
    (source / "deep").mkdir(parents=True)
    (source / "deep" / "file").write_bytes(bytes(range(256)) * 4096)
    (source / "link").symlink_to("/etc/passwd")
    unpacking = Unpacking("/a/source", tmp_path / "target")
    async for piece in packed(source, "a/source"):
        unpacking.feed(piece)
    await unpacking.finish()
    assert (tmp_path / "target" / "deep" / "file").read_bytes() == bytes(range(256)) * 4096
    assert not (tmp_path / "target" / "link").exists()
    assert "skipping symlink" in capsys.readouterr().err


POD: Object = {
    "metadata": {"name": "p"},
    "spec": {"containers": [{"name": "c", "ports": [{"name": "http", "containerPort": 8080}]}]},
}


def service(cluster_ip: str = "10.0.0.1") -> Object:
    listed = [
        {"name": "web", "port": 80, "targetPort": "http"},
        {"name": "plain", "port": 81},
        {"name": "other", "port": 82, "targetPort": 9090},
    ]
    return {"metadata": {"name": "s"}, "spec": {"clusterIP": cluster_ip, "ports": listed}}


@pytest.mark.parametrize(
    ("word", "pair"),
    [
        ("80", Pair(80, 80)),
        ("8000:80", Pair(8000, 80)),
        (":80", Pair(0, 80)),
        ("http", Pair(8080, 8080)),
        ("8000:http", Pair(8000, 8080)),
    ],
)
def test_ports_of_a_pod(word: str, pair: Pair) -> None:
    assert ports.of_pod([word], POD) == [pair]


@pytest.mark.parametrize(
    ("word", "pair"),
    [
        pytest.param("80", Pair(80, 8080), id="by number, to a name"),
        pytest.param("web", Pair(80, 8080), id="by name"),
        pytest.param("8000:web", Pair(8000, 8080), id="another one here"),
        pytest.param("81", Pair(81, 81), id="no target"),
        pytest.param(":82", Pair(0, 9090), id="any one here"),
    ],
)
def test_ports_of_a_service_lead_to_those_of_its_pod(word: str, pair: Pair) -> None:
    assert ports.of_service([word], service(), POD) == [pair]


def test_a_headless_service_has_no_ports_of_its_own() -> None:
    assert ports.of_service(["82"], service("None"), POD) == [Pair(82, 82)]


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("none", "Pod 'p' does not have a named port 'none'"),
        ("x:80", "error parsing local port 'x': strconv.ParseUint: parsing \"x\": invalid syntax"),
        (
            "70000",
            "error parsing local port '70000': strconv.ParseUint: parsing \"70000\": value out of range",
        ),
        ("0", "remote port must be > 0"),
    ],
)
def test_ports_that_make_no_sense_are_refused(word: str, message: str) -> None:
    with pytest.raises(CommandError) as caught:
        ports.of_pod([word], POD)
    assert str(caught.value) == message


def test_ports_that_a_service_does_not_have_are_refused() -> None:
    with pytest.raises(CommandError, match="Service s does not have a service port 99"):
        ports.of_service(["99"], service(), POD)
    with pytest.raises(CommandError, match="Service 's' does not have a named port 'x'"):
        ports.of_service(["x"], service(), POD)
