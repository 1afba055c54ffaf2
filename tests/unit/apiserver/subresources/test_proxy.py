"""Where proxied requests go, what becomes of the links in their answers, and what failures are called."""

from __future__ import annotations

import errno
import random
import socket
import ssl

import pytest

from apimachinery.errors import BadRequestError, StatusError
from apimachinery.objects import Object
from apimachinery.scheme import Resource
from apiserver.options import Options
from apiserver.request import RequestInfo
from apiserver.subresources.kubelets import Backends
from apiserver.subresources.links import Links
from apiserver.subresources.proxy import forwarded_uri
from apiserver.subresources.proxy_targets import (
    ProxyTargets,
    endpoint_candidates,
    pod_host,
    service_port_name,
)
from component_base.dialling import explain

SERVICE: Object = {
    "metadata": {"name": "web"},
    "spec": {"ports": [{"name": "http", "port": 80}, {"name": "api", "port": 8080}]},
}
ENDPOINTS: Object = {
    "subsets": [
        {
            "addresses": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}],
            "notReadyAddresses": [{"ip": "10.0.0.3"}],
            "ports": [{"name": "http", "port": 8000}, {"name": "api", "port": 9000}],
        }
    ]
}


@pytest.mark.parametrize(("port", "name"), [("http", "http"), ("8080", "api"), ("", "")])
def test_a_service_port_is_known_by_its_name(port: str, name: str) -> None:
    assert service_port_name(SERVICE, port) == name


def test_a_port_that_a_service_has_not_is_told() -> None:
    with pytest.raises(StatusError, match='no service port 81 found for service "web"'):
        service_port_name(SERVICE, "81")


@pytest.mark.parametrize(("name", "expected"), [("api", [("10.0.0.1", 9000), ("10.0.0.2", 9000)]), ("", [])])
def test_endpoints_are_candidates_when_they_are_ready(name: str, expected: list[tuple[str, int]]) -> None:
    assert [(address["ip"], port) for address, port in endpoint_candidates(ENDPOINTS, name)] == expected


def pod(address: str, *ports: int) -> Object:
    containers = [{"name": "a"}, {"name": "b", "ports": [{"containerPort": port} for port in ports]}]
    return {"spec": {"containers": containers}, "status": {"podIP": address}}


@pytest.mark.parametrize(
    ("address", "ports", "asked", "expected"),
    [
        ("10.0.0.1", (), "", "10.0.0.1"),
        ("10.0.0.1", (8080, 9090), "", "10.0.0.1:8080"),
        ("10.0.0.1", (8080,), "9090", "10.0.0.1:9090"),
        ("fd00::1", (), "", "[fd00::1]"),
        ("fd00::1", (), "80", "[fd00::1]:80"),
    ],
)
def test_a_pod_is_asked_at_a_port(address: str, ports: tuple[int, ...], asked: str, expected: str) -> None:
    assert pod_host(pod(address, *ports), asked) == expected


@pytest.mark.parametrize("address", ["", "127.0.0.1", "::1", "169.254.169.254", "224.0.0.1", "0.0.0.0"])
def test_nobody_is_led_to_a_special_address(address: str) -> None:
    with pytest.raises(BadRequestError, match=r"^address not allowed$"):
        pod_host(pod(address), "80")


LINKS = Links("/proxy", "10.0.0.1:80", "api:6443")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/x", "/proxy/x"),
        ("/x/", "/proxy/x/"),
        ("/", "/proxy/"),
        ("/a/../b?q=1#f", "/proxy/b?q=1#f"),
        ("/proxy/x", "/proxy/x"),
        ("x", "x"),
        ("../x", "../x"),
        ("#f", "#f"),
        ("?q=1", "?q=1"),
        ("http://10.0.0.1:80/x", "/proxy/x"),
        ("https://api:6443/x", "https://api:6443/proxy/x"),
        ("http://elsewhere/x", "http://elsewhere/x"),
        ("//elsewhere/x", "//elsewhere/x"),
        ("mailto:me@here", "mailto:me@here"),
        ("http://[broken/x", "http://[broken/x"),
    ],
)
def test_links_to_the_root_of_the_back_end_get_the_prefix(target: str, expected: str) -> None:
    assert LINKS.rewrite(target) == expected


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (b'<a href="/x">', b'<a href="/proxy/x">'),
        (b"<A HREF='/x' title='/x'>", b"<A HREF=\"/proxy/x\" title='/x'>"),
        (b"<img\n src=/x.png\n alt=x>", b'<img\n src="/proxy/x.png"\n alt=x>'),
        (b'<a href="/?a=1&amp;b=2">', b'<a href="/proxy/?a=1&amp;b=2">'),
        (b'<p href="/x">', b'<p href="/x">'),
        (b'<!-- <a href="/x"> -->\n<a href="/x">', b'<!-- <a href="/x"> -->\n<a href="/proxy/x">'),
        (b'<script src="/s">"<a href=/x>"</script>', b'<script src="/proxy/s">"<a href=/x>"</script>'),
        (b"\xff\xfe <br> a < b &nbsp; \r\n", b"\xff\xfe <br> a < b &nbsp; \r\n"),
        (b'<a href="/x', b'<a href="/x'),
    ],
)
def test_a_page_is_changed_in_its_links_only(page: bytes, expected: bytes) -> None:
    assert LINKS.rewrite_page(page) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [("", "/p/proxy"), ("/", "/p/proxy/"), ("/a//b", "/p/proxy/a/b"), ("/a/", "/p/proxy/a/")],
)
def test_the_back_end_is_told_what_the_client_asked_for(path: str, expected: str) -> None:
    assert forwarded_uri("/p/proxy", path) == expected


class ConnectTimeout(Exception):
    """As the client library calls it."""


def caused_by(cause: BaseException, text: str = "") -> BaseException:
    error = Exception(text)
    error.__cause__ = cause
    return error


def tls_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, reason)
    error.reason = reason
    return error


FAILURES = {
    "refused": (
        caused_by(caused_by(ConnectionRefusedError(errno.ECONNREFUSED, "x")), "All attempts failed"),
        "dial tcp 10.0.0.1:80: connect: connection refused",
    ),
    "no route": (
        caused_by(OSError(errno.EHOSTUNREACH, "x")),
        "dial tcp 10.0.0.1:80: connect: no route to host",
    ),
    "reset": (
        caused_by(ConnectionResetError(errno.ECONNRESET, "x")),
        "read tcp 10.0.0.1:80: connection reset by peer",
    ),
    "no name": (caused_by(socket.gaierror(-2, "x")), "dial tcp: lookup 10.0.0.1: no such host"),
    "timeout": (ConnectTimeout(), "dial tcp 10.0.0.1:80: i/o timeout"),
    "plain HTTP": (
        caused_by(tls_error("WRONG_VERSION_NUMBER")),
        "http: server gave HTTP response to HTTPS client",
    ),
    "TLS refused": (
        caused_by(tls_error("TLSV1_ALERT_UNKNOWN_CA")),
        "remote error: tls: tlsv1 alert unknown ca",
    ),
    "silence": (Exception("Server disconnected without sending a response."), "EOF"),
    "junk": (Exception("illegal status line"), "illegal status line"),
}


@pytest.mark.parametrize("row", FAILURES.values(), ids=FAILURES.keys())
def test_a_failure_is_told_in_known_words(row: tuple[BaseException, str]) -> None:
    assert explain(row[0], "10.0.0.1:80") == row[1]


async def find_node(resource: Resource, namespace: str, name: str) -> Object | None:
    addresses = [{"type": "InternalIP", "address": "192.0.2.7"}]
    return {"metadata": {"name": name}, "status": {"addresses": addresses}} if name == "n1" else None


@pytest.mark.parametrize(
    ("name", "relay", "base"),
    [
        pytest.param("n1", "kubelets", "https://192.0.2.7:10250", id="the kubelet"),
        pytest.param("n1:10250", "kubelets", "https://192.0.2.7:10250", id="by its port"),
        pytest.param(
            "https:n1:10259", "kubelets", "https://192.0.2.7:10259", id="the scheduler knows us, too"
        ),
        pytest.param("https:n1:10261", "kubelets", "https://192.0.2.7:10261", id="and kube-proxy"),
        pytest.param("n1:10259", "pods", "http://192.0.2.7:10259", id="but not without TLS"),
        pytest.param("https:n1:8443", "pods", "https://192.0.2.7:8443", id="whatever else runs there"),
    ],
)
async def test_whom_on_a_node_our_certificate_is_shown(name: str, relay: str, base: str) -> None:
    backends = Backends(Options())
    targets = ProxyTargets(backends, find_node, ("InternalIP",), random.Random(0))
    target = await targets.find(RequestInfo(verb="get", path="", method="GET", plural="nodes", name=name))
    assert (target.relay, target.base) == (getattr(backends, relay), base)
    await backends.aclose()
