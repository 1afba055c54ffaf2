"""Kubeconfig: which files, which context, which credentials."""

import base64
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from apimachinery.objects import Object
from component_base.credentials import Credentials
from component_base.kubeconfig import ClientConfig, ConfigError, check_plugin, in_cluster, is_there, load

V1 = "client.authentication.k8s.io/v1"
TOLD = f'{{"apiVersion": "{V1}", "status": {{"token": "%s"}}}}'


def config(name: str, **user: object) -> Object:
    return {
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}:6443/"}}],
        "users": [{"name": name, "user": user}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": "shop"}}],
        "current-context": name,
    }


def write(path: Path, content: Object) -> Path:
    path.write_text(yaml.safe_dump(content))
    return path


def test_the_current_context_names_server_user_and_namespace(tmp_path: Path) -> None:
    found = load(write(tmp_path / "c", config("one", token="t")))
    assert (found.server, found.namespace, found.user, found.token) == (
        "https://one:6443",
        "shop",
        "one",
        "t",
    )


def test_the_first_of_several_files_wins(tmp_path: Path) -> None:
    one, two = write(tmp_path / "1", config("one")), write(tmp_path / "2", config("two"))
    environ = {"KUBECONFIG": f"{tmp_path}/absent:{one}:{two}"}
    assert load(environ=environ).server == "https://one:6443"
    assert load(context="two", environ=environ).server == "https://two:6443"


def test_inline_data_goes_before_files_and_files_are_relative(tmp_path: Path) -> None:
    (tmp_path / "cert").write_bytes(b"CERT")
    user = {"client-certificate": "cert", "client-key-data": base64.b64encode(b"KEY").decode()}
    found = load(write(tmp_path / "c", config("one", **user)))
    assert (found.client_cert, found.client_key) == (b"CERT", b"KEY")


@pytest.mark.parametrize(
    ("content", "context", "message"),
    [
        pytest.param(config("one"), "two", "not found for specified context: two", id="unknown context"),
        pytest.param({}, None, "no configuration has been provided", id="empty"),
        pytest.param(
            config("one", **{"client-key": "absent"}), None, "unable to read client-key", id="no key"
        ),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, content: Object, context: str | None, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(write(tmp_path / "c", content), context)


def test_cluster_and_user_may_be_chosen_apart_from_the_context(tmp_path: Path) -> None:
    files = write(tmp_path / "1", config("one", token="1")), write(tmp_path / "2", config("two", token="2"))
    environ = {"KUBECONFIG": ":".join(map(str, files))}
    found = load(cluster="two", environ=environ)
    assert (found.server, found.token, found.context) == ("https://two:6443", "1", "one")
    assert load(user="two", environ=environ).token == "2"
    with pytest.raises(ConfigError, match='auth info "three" does not exist'):
        load(user="three", environ=environ)
    with pytest.raises(ConfigError, match='no server found for cluster "three"'):
        load(cluster="three", environ=environ)


def test_an_empty_kubeconfig_means_the_default_server() -> None:
    assert load(default_server="http://localhost:8080", environ={"HOME": "/nowhere"}).server == (
        "http://localhost:8080"
    )


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    with pytest.raises(ConfigError, match=r'error loading config file ".*/c": open .*/c: is a directory'):
        load(tmp_path / "c")
    (tmp_path / "d").write_text("a: [")
    with pytest.raises(ConfigError, match=r'error loading config file ".*/d": yaml: line'):
        load(tmp_path / "d")


def test_a_file_that_is_asked_for_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load(tmp_path / "absent")


def test_a_pod_uses_its_service_account(tmp_path: Path) -> None:
    for name in ("ca.crt", "token", "namespace"):
        (tmp_path / name).write_text(name)
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"}
    found = in_cluster(environ, tmp_path)
    assert (found.server, found.ca, found.namespace) == ("https://[fd00::1]:6443", b"ca.crt", "namespace")


def test_a_server_that_is_named_is_not_asked_as_the_pod() -> None:
    environ = {"KUBERNETES_SERVICE_HOST": "fd00::1", "HOME": "/nowhere"}
    found = load(server="http://192.0.2.1:8080", environ=environ)
    assert (found.server, found.token_file) == ("http://192.0.2.1:8080", None)


async def test_a_token_file_is_read_again_after_it_rotated(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("one\n")
    credentials = Credentials(ClientConfig(server="http://x", token_file=str(token)))
    assert await credentials.header() == b"Bearer one"
    token.write_text("two\n")
    assert await credentials.header() == b"Bearer one"
    credentials.expire()
    assert await credentials.header() == b"Bearer two"


async def test_a_token_whose_file_is_away_goes_on(tmp_path: Path) -> None:
    token = tmp_path / "token"
    credentials = Credentials(ClientConfig(server="http://x", token_file=str(token)))
    with pytest.raises(FileNotFoundError):
        await credentials.header()
    token.write_text("one\n")
    assert await credentials.header() == b"Bearer one"
    token.write_text("")  # it is just being written
    credentials.expire()
    assert await credentials.header() == b"Bearer one"
    token.unlink()
    credentials.expire()
    assert await credentials.header() == b"Bearer one"


async def test_an_exec_plugin_gives_a_token() -> None:
    script = f'import os; print({TOLD!r} % os.environ["WHO"])'
    plugin = {"command": sys.executable, "args": ["-c", script], "env": [{"name": "WHO", "value": "me"}]}
    credentials = Credentials(ClientConfig(server="http://x", exec=plugin))
    assert await credentials.header() == b"Bearer me"


async def test_an_exec_plugin_reads_nothing_of_what_is_typed() -> None:
    script = f"import sys; print({TOLD!r} % ('t' + sys.stdin.read()))"
    reading, writing = os.pipe()
    os.write(writing, b"typed")
    os.close(writing)
    kept = os.dup(0)
    os.dup2(reading, 0)
    try:
        plugin = {"command": sys.executable, "args": ["-c", script]}
        assert await Credentials(ClientConfig(server="http://x", exec=plugin)).header() == b"Bearer t"
    finally:
        os.dup2(kept, 0)
        os.close(reading)
        os.close(kept)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"command": ""}, "command must be specified for u"),
        ({"interactiveMode": ""}, "interactiveMode must be specified for u"),
        ({"interactiveMode": "Bad"}, 'invalid interactiveMode for u: "Bad"'),
        ({"env": [{"value": "v"}]}, "env variable name must be specified for u"),
        ({"apiVersion": "x/v1"}, 'exec plugin: invalid apiVersion "x/v1"'),
    ],
)
def test_an_exec_plugin_that_lacks_something_is_refused(change: dict[str, Any], why: str) -> None:
    plugin = {"command": "c", "apiVersion": V1, "interactiveMode": "Never"}
    check_plugin(plugin, "u")
    with pytest.raises(ConfigError, match=why):
        check_plugin(plugin | change, "u")


@pytest.mark.parametrize(
    ("plugin", "why"),
    [
        (
            {"command": "/not/there", "installHint": "get it"},
            "executable /not/there not found(.|\n)*\n\nget it",
        ),
        ({"command": "echo", "args": ['{"apiVersion": "x/v2"}']}, "returned version x/v2"),
    ],
)
async def test_an_exec_plugin_that_is_another_is_told_of(plugin: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        await Credentials(ClientConfig(server="http://x", exec=plugin)).header()


@pytest.mark.parametrize(
    "given",
    [{"token": "t"}, {"username": "u"}, {"client_cert": b"c"}],
    ids=["token", "password", "certificate"],
)
async def test_an_exec_plugin_is_not_asked_where_there_are_credentials(given: dict[str, Any]) -> None:
    plugin = {"command": sys.executable, "args": ["-c", "raise SystemExit(3)"]}
    credentials = Credentials(ClientConfig(server="http://x", exec=plugin, **given))
    assert (credentials.is_fixed, await credentials.header() is None) == (True, "client_cert" in given)


async def test_a_failing_exec_plugin_is_named() -> None:
    plugin = {"command": sys.executable, "args": ["-c", "raise SystemExit(3)"]}
    with pytest.raises(ConfigError, match="failed with exit code 3"):
        await Credentials(ClientConfig(server="http://x", exec=plugin)).header()


async def test_a_password_is_basic_authentication() -> None:
    credentials = Credentials(ClientConfig(server="http://x", username="u", password="p"))
    assert await credentials.header() == b"Basic dTpw"


def test_what_may_not_be_looked_at_counts_as_there(tmp_path: Path) -> None:
    assert is_there(tmp_path)
    assert not is_there(tmp_path / "absent")
    (tmp_path / "file").touch()
    assert not is_there(tmp_path / "file" / "below")


def test_what_proves_the_user_is_not_shown() -> None:
    secrets = {"client_key": b"KEY", "token": "TOKEN", "password": "WORD"}
    shown = repr(ClientConfig(server="https://h", username="ann", **secrets))
    assert "ann" in shown
    assert not [secret for secret in ("KEY", "TOKEN", "WORD") if secret in shown]


async def test_what_an_exec_plugin_says_must_be_json() -> None:
    plugin = {"command": "echo", "args": ["token"]}
    with pytest.raises(ConfigError, match="json parse error: invalid character"):
        await Credentials(ClientConfig(server="http://x", exec=plugin)).header()
