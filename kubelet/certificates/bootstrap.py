"""The first steps of a node: with a bootstrap kubeconfig to a certificate and a kubeconfig of its own.

Source: https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/
"""

from __future__ import annotations

import asyncio
import base64
import logging
from datetime import datetime
from pathlib import Path

from apimachinery.errors import StatusError
from apimachinery.objects import Object
from apimachinery.serialize import to_yaml
from apimachinery.well_known import KUBELET_CLIENT
from client.errors import ConnectionFailed
from client.metrics import count_request
from client.rest import Client
from component_base.certificates import CertificateError, inspect
from component_base.kubeconfig import ClientConfig, ConfigError, load
from kubelet.certificates.requests import RequestRefused, Wanted, obtain
from kubelet.certificates.store import CertificateStore

log = logging.getLogger(__name__)

_FIRST_RETRY, _LAST_RETRY = 0.25, 5.0


async def ensure_kubeconfig(
    bootstrap: str, kubeconfig: Path, node: str, store: CertificateStore, now: datetime
) -> None:
    """Returns once `kubeconfig` can be used; waits for the API and who approves as long as it takes."""
    if await _is_good(kubeconfig, now):
        return
    config = load(bootstrap)
    client = Client(config, user_agent="kubelet", on_answer=count_request)
    try:
        key, certificate = await _obtain(client, Wanted(node, KUBELET_CLIENT), store)
    finally:
        await client.aclose()
    store.save(key, certificate, now)
    _write(kubeconfig, own_kubeconfig(config, store.current))
    log.info("Joined the cluster: kubeconfig=%s", kubeconfig)


async def _is_good(kubeconfig: Path, now: datetime) -> bool:
    try:
        certificate = load(kubeconfig).client_cert
    except ConfigError:
        return False
    if certificate is None:
        return True  # signed in some other way
    try:
        return (await inspect(certificate.decode())).end > now
    except CertificateError:
        return False


async def _obtain(client: Client, wanted: Wanted, store: CertificateStore) -> tuple[str, str]:
    delay = _FIRST_RETRY
    while True:
        try:
            return await obtain(client, wanted, store)
        except (RequestRefused, StatusError, ConnectionFailed, CertificateError) as error:
            log.warning("Not let into the cluster yet, will retry: err=%s", error)
            await asyncio.sleep(delay)
            delay = min(2 * delay, _LAST_RETRY)


def own_kubeconfig(config: ClientConfig, certificate: Path) -> Object:
    """The same cluster, with the certificate that rotates."""
    cluster: Object = {"server": config.server}
    if config.ca:
        cluster["certificate-authority-data"] = base64.b64encode(config.ca).decode()
    user = {"client-certificate": str(certificate), "client-key": str(certificate)}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "default-cluster", "cluster": cluster}],
        "users": [{"name": "default-auth", "user": user}],
        "contexts": [
            {"name": "default-context", "context": {"cluster": "default-cluster", "user": "default-auth"}}
        ],
        "current-context": "default-context",
    }


def _write(path: Path, kubeconfig: Object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.part")
    temporary.touch(mode=0o600)
    temporary.write_text(to_yaml(kubeconfig))
    temporary.replace(path)
