"""Users and rights as the real kubectl sees them: certificates, gathered roles, tokens in Secrets, nodes."""

from __future__ import annotations

import base64
import json
import subprocess
from itertools import count
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from apimachinery.objects import Object, get_path
from apimachinery.scheme import (
    CERTIFICATE_SIGNING_REQUESTS,
    CLUSTER_ROLES,
    CONFIG_MAPS,
    SECRETS,
    SERVICE_ACCOUNTS,
)
from client.rest import Client
from tests.integration.plane import LIMIT, Plane, eventually

KEY = ec.generate_private_key(ec.SECP256R1())


def run(plane: Plane, *words: str, stdin: str | None = None, **flags: object) -> str:
    """kubectl's words, whatever the exit code. Flags name credentials other than the admin's."""
    pki = plane.config.pki
    config = plane.config.admin_kubeconfig if not flags else "/dev/null"
    server = [f"--server={plane.config.server}", f"--certificate-authority={pki / 'ca.crt'}"] if flags else []
    credentials = [f"--{name.replace('_', '-')}={value}" for name, value in flags.items()]
    command = ["kubectl", f"--kubeconfig={config}", *server, *credentials, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, input=stdin)
    return done.stdout or done.stderr


def request(name: str, organization: str) -> str:
    attributes = [(NameOID.ORGANIZATION_NAME, organization), (NameOID.COMMON_NAME, name)]
    subject = x509.Name([x509.NameAttribute(*each) for each in attributes])
    made = x509.CertificateSigningRequestBuilder(subject).sign(KEY, hashes.SHA256())
    spec = {
        "request": base64.b64encode(made.public_bytes(serialization.Encoding.PEM)).decode(),
        "signerName": "kubernetes.io/kube-apiserver-client",
        "usages": ["client auth"],
        "expirationSeconds": 3600,
    }
    kind = {"apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest"}
    return yaml.safe_dump({**kind, "metadata": {"name": name}, "spec": spec})


async def test_an_approved_request_becomes_a_user(plane: Plane, client: Client, tmp_path: Path) -> None:
    run(plane, "apply", "-f-", stdin=request("jane", "devs"))
    assert "approved" in run(plane, "certificate", "approve", "jane")

    async def certificate() -> str:
        found = await client.get(CERTIFICATE_SIGNING_REQUESTS, "jane")
        return str(get_path(found, "status.certificate", ""))

    pem = base64.b64decode(await eventually(certificate))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "jane.crt").write_bytes(pem)
    (tmp_path / "jane.key").write_bytes(KEY.private_bytes(*form))
    jane = {"client_certificate": tmp_path / "jane.crt", "client_key": tmp_path / "jane.key"}
    shown = json.loads(run(plane, "auth", "whoami", "-ojson", **jane))["status"]["userInfo"]
    assert (shown["username"], shown["groups"]) == ("jane", ["devs", "system:authenticated"])
    refused = run(plane, "apply", "-f-", stdin=request("eve", "system:masters"))
    assert "with system:masters group is not allowed" in refused


async def test_a_role_that_comes_later_is_gathered(plane: Plane, client: Client) -> None:
    labels = {"rbac.authorization.k8s.io/aggregate-to-view": "true"}
    rule = {"apiGroups": ["example.com"], "resources": ["crontabs"], "verbs": ["get"]}
    await client.create(CLUSTER_ROLES, {"metadata": {"name": "crontabs", "labels": labels}, "rules": [rule]})

    async def rules() -> list[Object]:
        return list((await client.get(CLUSTER_ROLES, "admin"))["rules"])

    await eventually(rules, lambda found: rule in found)
    await client.delete(CLUSTER_ROLES, "crontabs")
    await eventually(rules, lambda found: rule not in found)


async def test_a_secret_is_given_the_token_it_asks_for(plane: Plane, client: Client) -> None:
    run(plane, "create", "serviceaccount", "robot")
    annotations = {"kubernetes.io/service-account.name": "robot"}
    metadata = {"name": "robot-token", "namespace": "default", "annotations": annotations}
    await client.create(SECRETS, {"metadata": metadata, "type": "kubernetes.io/service-account-token"})

    async def data() -> dict[str, str]:
        return dict((await client.get(SECRETS, "robot-token", "default")).get("data") or {})

    filled = await eventually(data)
    assert filled.keys() == {"ca.crt", "namespace", "token"}
    for token in (base64.b64decode(filled["token"]).decode(), run(plane, "create", "token", "robot").strip()):
        shown = json.loads(run(plane, "auth", "whoami", "-ojson", token=token))["status"]["userInfo"]
        assert shown["username"] == "system:serviceaccount:default:robot"
    await eventually(
        lambda: client.get(SECRETS, "robot-token", "default"),
        lambda secret: (
            secret["metadata"].get("labels", {}).keys() == {"kubernetes.io/legacy-token-last-used"}
        ),
    )
    run(plane, "delete", "serviceaccount", "robot")

    async def secrets() -> list[Object]:
        found = (await client.list(SECRETS, "default"))["items"]
        return [each for each in found if each["metadata"]["name"] == "robot-token"]

    await eventually(secrets, lambda found: not found)


async def test_a_token_that_was_made_unasked_is_marked_when_nobody_uses_it(
    plane: Plane, client: Client
) -> None:
    """As in a store that an older cluster has left. A change of the ConfigMap makes the controller look."""
    metadata = {"name": "old-token", "annotations": {"kubernetes.io/service-account.name": "old"}}
    run(plane, "create", "serviceaccount", "old")
    await client.patch(SERVICE_ACCOUNTS, "old", {"secrets": [{"name": "old-token"}]}, "default")
    kind = "kubernetes.io/service-account-token"
    await client.create(SECRETS, {"metadata": metadata | {"namespace": "default"}, "type": kind})
    looks = count()

    async def labels() -> dict[str, str]:
        data = {"since": "2020-01-01", "look": str(next(looks))}
        tracking = "kube-apiserver-legacy-service-account-token-tracking"
        await client.patch(CONFIG_MAPS, tracking, {"data": data}, "kube-system")
        return dict((await client.get(SECRETS, "old-token", "default"))["metadata"].get("labels") or {})

    assert list(await eventually(labels)) == ["kubernetes.io/legacy-token-invalid-since"]
    run(plane, "delete", "serviceaccount", "old")


def test_what_a_node_may_is_not_listed(plane: Plane) -> None:
    node = ("--as=system:node:hollow-0", "--as-group=system:nodes")
    shown = run(plane, "auth", "can-i", "--list", *node)
    assert "selfsubjectreviews" in shown
    may = [
        run(plane, "auth", "can-i", *question, *node).split()[0]
        for question in (("get", "nodes/hollow-0"), ("get", "secrets/any"), ("list", "pods", "-A"))
    ]
    assert may[0] == "yes"
    assert "yes" not in may[1:]
