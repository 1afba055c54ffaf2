"""The whole apiserver on a real socket with TLS, over the store in memory: users, rights, streams, life."""

from __future__ import annotations

import base64
import logging
import ssl
from pathlib import Path

import httpx
import orjson
import pytest

from apimachinery import scheme
from apimachinery.objects import Object
from apimachinery.protobuf import CONTENT_TYPE, decode
from apimachinery.protobuf_encoder import message_of
from apimachinery.schema import definition_name
from apiserver.storage.interface import KeyValue
from apiserver.storage.memory import MemoryStorage
from kubeadm.certs import ensure_pki
from kubeadm.config import ClusterConfig
from tests.integration.running_apiserver import Running, running
from tests.unit.apimachinery.protobuf_objects import without_empty

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"


async def test_a_new_cluster_has_what_everybody_expects(pki: Path) -> None:
    async with running(pki) as api, api.client("admin") as admin:
        namespaces = (await admin.get("/api/v1/namespaces")).json()["items"]
        names = [each["metadata"]["name"] for each in namespaces]
        service = (await admin.get("/api/v1/namespaces/default/services/kubernetes")).json()
        endpoints = (await admin.get("/api/v1/namespaces/default/endpoints/kubernetes")).json()
        ready = await admin.get("/readyz")
        cidr = (await admin.get("/apis/networking.k8s.io/v1/servicecidrs/kubernetes")).json()
    assert names == ["default", "kube-node-lease", "kube-public", "kube-system"]
    assert service["spec"]["clusterIP"] == "10.0.0.1"
    assert endpoints["subsets"][0]["addresses"] == [{"ip": "10.0.0.1"}]
    assert (ready.status_code, ready.text) == (200, "ok")
    assert cidr["spec"]["cidrs"] == ["10.0.0.0/24"]
    assert cidr["status"]["conditions"][0]["type"] == "Ready"


METHODS = ("GET", "HEAD", "POST", "DELETE")
STATUSES = {
    "/api": (200, 405, 405, 405),
    "/api/v1": (200, 405, 405, 405),
    "/apis": (200, 200, 200, 200),
    "/apis/apps": (200, 200, 200, 200),
    "/apis/apps/v1": (200, 405, 405, 405),
    "/apis/apps/v2": (404, 404, 404, 404),
    "/apis/nosuch": (404, 404, 404, 404),
    "/version": (200, 405, 405, 405),
    "/openapi/v3/api/v1": (200, 200, 200, 200),
    "/openapi/v3/nosuch": (404, 404, 404, 404),
    "//api/v1/pods": (404, 404, 404, 404),
    "/healthz/ping": (200, 200, 200, 200),
}
FORMS = {
    ("/api", "application/*"): 406,
    ("/apis/apps/v1", "text/html"): 406,
    ("/apis/apps", "application/*"): 200,
    ("/version", "application/yaml"): 406,
    ("/version", "text/html, */*;q=0.1"): 200,
    ("/openapi/v2", "text/html"): 406,
    ("/openapi/v3/api/v1", "text/html"): 406,
    ("/openapi/v3/api/v1", "application/json"): 200,
}


async def test_methods_and_forms_of_what_is_no_resource(pki: Path) -> None:
    async with running(pki) as api, api.client("admin") as admin:
        asked = {
            path: tuple([(await admin.request(each, api.url + path)).status_code for each in METHODS])
            for path in STATUSES
        }
        told = {
            (path, accept): (await admin.get(path, headers={"accept": accept})).status_code
            for path, accept in FORMS
        }
    assert (asked, told) == (STATUSES, FORMS)


async def test_how_much_is_logged_can_be_changed(pki: Path) -> None:
    level = logging.getLogger().level
    puts = {
        "4": (200, "successfully set klog.logging.verbosity to 4"),
        "-1": (400, 'strconv.ParseUint: parsing "-1": invalid syntax'),
        "99999999999": (400, 'strconv.ParseUint: parsing "99999999999": value out of range'),
    }
    async with running(pki) as api, api.client("admin") as admin:
        answers = {text: await admin.put("/debug/flags/v", content=text) for text in puts}
        told = logging.getLogger().level
        logging.getLogger().setLevel(level)
        page, refused = await admin.get("/debug/flags"), await admin.get("/debug/flags/v")
    assert {text: (each.status_code, each.text) for text, each in answers.items()} == puts
    assert (told, refused.status_code, refused.text) == (logging.DEBUG, 406, "unsupported http method")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    async with running(pki, profiling=False) as api, api.client("admin") as admin:
        assert (await admin.put("/debug/flags/v", content="4")).status_code == 404


class SickStorage(MemoryStorage):
    is_sick = False

    async def get(self, key: str) -> KeyValue | None:
        self._fail_if_sick()
        return await super().get(key)

    async def current_revision(self) -> int:
        self._fail_if_sick()
        return await super().current_revision()

    def _fail_if_sick(self) -> None:
        if self.is_sick:
            raise ZeroDivisionError("sick")


async def test_what_goes_wrong_beside_resources_is_answered_as_among_them(pki: Path) -> None:
    storage = SickStorage()
    async with running(pki, storage=storage) as api, api.client("admin") as admin:
        storage.is_sick = True
        answers = [await admin.get(path) for path in ("/livez", "/api/v1/namespaces/default/pods")]
    assert [(each.status_code, each.json()["message"]) for each in answers] == [
        (500, "Internal error occurred: sick"),
        (500, "Internal error occurred: sick"),
    ]
    assert all("audit-id" in each.headers for each in answers)


@pytest.mark.parametrize("method", ["FROBNICATE", "PROPFIND"])
async def test_methods_that_nobody_knows_are_not_allowed(pki: Path, method: str) -> None:
    async with running(pki) as api, api.client("admin") as admin:
        for _ in range(2):  # the connection is kept
            refused = await admin.request(method, CONFIG_MAPS, json={})
            assert (refused.status_code, refused.json()["reason"]) == (405, "MethodNotAllowed")
        assert (await admin.get("/version")).status_code == 200
        samples = [each for family in api.server.metrics.collect() for each in family.samples]
    counted = [each.labels for each in samples if each.name == "apiserver_request_total"]
    assert {each["verb"] for each in counted if each["code"] == "405"} == {"other"}


async def test_users_come_from_certificates_and_may_what_their_roles_say(pki: Path) -> None:
    async with running(pki) as api:
        answers = {}
        for who in ("admin", "scheduler", "kubelet", ""):
            async with api.client(who) as client:
                me = await client.post(
                    "/apis/authentication.k8s.io/v1/selfsubjectreviews",
                    json={"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"},
                )
                name = me.json()["status"]["userInfo"]["username"] if me.status_code == 201 else ""
                pods, secrets = await client.get("/api/v1/pods"), await client.get("/api/v1/secrets")
                answers[who] = (name, pods.status_code, secrets.status_code)
        async with api.client("admin") as client:
            table = {"accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
            review = await client.post(
                "/apis/authentication.k8s.io/v1/selfsubjectreviews", json={}, headers=table
            )
    assert (review.status_code, review.json()["reason"]) == (406, "NotAcceptable")
    assert answers == {
        "admin": ("kubernetes-admin", 200, 200),
        "scheduler": ("system:kube-scheduler", 200, 403),
        "kubelet": ("system:node:n1", 403, 403),
        "": ("", 403, 403),
    }


async def test_a_service_account_acts_with_its_token(pki: Path) -> None:
    async with running(pki) as api, api.client("admin") as admin:
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}}
        await admin.post("/api/v1/namespaces/default/serviceaccounts", json=account)
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        made = await admin.post("/api/v1/namespaces/default/serviceaccounts/robot/token", json=request)
        token = made.json()["status"]["token"]
        binding = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "robot"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
            "subjects": [{"kind": "ServiceAccount", "name": "robot", "namespace": "default"}],
        }
        async with api.client(token=token) as robot:
            before = await robot.get(CONFIG_MAPS)
            path = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings"
            assert (await admin.post(path, json=binding)).status_code == 201
            after = await robot.get(CONFIG_MAPS)
            written = await robot.post(CONFIG_MAPS, json=config_map("a"))
        keys = (await admin.get("/openid/v1/jwks")).json()["keys"]
    assert (before.status_code, after.status_code, written.status_code) == (403, 200, 403)
    header = orjson.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    assert header["kid"] == keys[0]["kid"]


def config_map(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


async def test_a_bad_certificate_is_refused_by_tls(pki: Path, tmp_path: Path) -> None:
    other = ClusterConfig(state_dir=tmp_path, node_name="n1", node_ip="127.0.0.1")
    ensure_pki(other)
    async with running(pki) as api:
        stranger = Running(api.server, pki, api.url, api.storage)
        tls = ssl.create_default_context(cafile=str(pki / "ca.crt"))
        tls.load_cert_chain(other.pki / "admin.crt", other.pki / "admin.key")
        async with httpx.AsyncClient(base_url=stranger.url, verify=tls, trust_env=False) as client:
            with pytest.raises(httpx.TransportError):
                await client.get("/version")


async def test_writes_are_in_the_journal_with_their_cause(pki: Path, tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    headers = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01", "tracestate": "sampan=12"}
    async with running(pki, write_journal=str(path)) as api, api.client("admin") as admin:
        made = await admin.post(CONFIG_MAPS, json=config_map("a"), headers=headers)
        shown = await admin.get("/debug/journal", params={"name": "a"})
    record = orjson.loads(shown.text)
    revision = int(made.json()["metadata"]["resourceVersion"])
    assert (record["revision"], record["verb"], record["user"]) == (revision, "create", "kubernetes-admin")
    assert (record["trace"], record["causes"]) == ("a" * 32, ["12"])
    assert orjson.loads(path.read_text().splitlines()[-1]) == record


async def test_a_path_that_leads_nowhere_is_told_as_upstream_does(pki: Path) -> None:
    plain, status = (404, "text/plain; charset=utf-8"), (404, "application/json")
    expected = {
        ("GET", "/nowhere"): plain,
        ("GET", "/healthz/"): plain,
        ("GET", "/openapi/v2/"): plain,
        ("GET", "/apis/nowhere.example.com"): plain,
        ("POST", "/apis/nowhere.example.com"): plain,
        ("GET", "/apis/nowhere.example.com/v1/things"): plain,
        ("GET", "/apis/apps/v9"): status,
        ("GET", "/apis/apps/v9/deployments"): status,
        ("GET", "/api/v9"): status,
        ("POST", "/api"): (405, "application/json"),
        ("POST", "/apis"): (200, "application/json"),
        ("POST", "/healthz"): (200, "text/plain; charset=utf-8"),
        ("GET", "/index.html"): (200, "application/json"),
    }
    async with running(pki) as api, api.client("admin") as admin:
        answers = {each: await admin.request(*each) for each in expected}
    assert {key: (a.status_code, a.headers["content-type"]) for key, a in answers.items()} == expected
    assert {a.headers["cache-control"] for a in answers.values()} == {"no-cache, private"}
    refused = answers["POST", "/api"].json()
    assert (refused["reason"], refused["details"]) == ("MethodNotAllowed", {})
    assert "/readyz/etcd" in answers["GET", "/index.html"].json()["paths"]


async def test_discovery_is_sent_once(pki: Path) -> None:
    accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    async with running(pki) as api, api.client("admin") as admin:
        first = await admin.get("/apis", headers={"accept": accept})
        again = await admin.get("/apis", headers={"accept": accept, "if-none-match": first.headers["etag"]})
    assert (first.headers["content-type"], again.status_code) == (accept, 304)


async def test_everything_is_told_in_protobuf_as_in_json(pki: Path) -> None:
    stored = [each.path() for each in scheme.BUILTIN if "list" in each.verbs]
    documents = ["/api", "/apis", "/api/v1", "/apis/apps", "/apis/apps/v1", "/api/v1/namespaces/none"]
    async with running(pki) as api, api.client("admin") as admin, api.client() as nobody:
        for path in [*documents, *stored]:
            await told_alike(admin, path)
        await told_alike(nobody, CONFIG_MAPS)  # a filter's refusal
        aggregated = "g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
        await told_alike(admin, "/apis", f";{aggregated}")


async def told_alike(client: httpx.AsyncClient, path: str, form: str = "") -> None:
    wanted = f"{CONTENT_TYPE}{form}"
    protobuf = await client.get(path, headers={"accept": wanted})
    json = await client.get(path, headers={"accept": f"application/json{form}"})
    assert protobuf.headers["content-type"] == wanted, path
    told = decode(protobuf.content, lambda *kind: message_of(*kind, definition_name)), json.json()
    for obj in told:
        obj.pop("metadata", None)  # lists are of different moments
    assert (protobuf.status_code, without_empty(told[0])) == (json.status_code, without_empty(told[1])), path


async def test_requests_are_counted(pki: Path) -> None:
    async with running(pki) as api, api.client("admin") as admin:
        await admin.get(CONFIG_MAPS)
        samples = [each for family in api.server.metrics.collect() for each in family.samples]
    found = [each for each in samples if each.name == "apiserver_request_total"]
    labels = {"verb": "LIST", "resource": "configmaps", "scope": "namespace", "code": "200"}
    assert [each.value for each in found if labels.items() <= each.labels.items()] == [1]


async def test_a_watch_ends_when_the_server_does(pki: Path) -> None:
    async with running(pki) as api:
        client = api.client("admin")
        async with client.stream("GET", CONFIG_MAPS, params={"watch": "1"}) as answer:
            assert answer.status_code == 200
    await client.aclose()
