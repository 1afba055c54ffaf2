"""Which certificates of a node are kept current, as its configuration says."""

from __future__ import annotations

import random
import ssl
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from apimachinery.well_known import KUBELET_CLIENT, KUBELET_SERVING
from client.rest import Client
from component_base.certificates import load_pair
from kubelet import metrics
from kubelet.certificates.manager import CertificateManager, Told
from kubelet.certificates.requests import Wanted
from kubelet.certificates.store import CertificateStore
from kubelet.node.status import NodeConfig

OF_CLIENT = Told(metrics.CLIENT_TTL, metrics.CLIENT_RENEWAL_ERRORS)
OF_SERVER = Told(metrics.SERVER_TTL, metrics.SERVER_RENEWAL_ERRORS, metrics.SERVER_ROTATION)
CLIENT, SERVER = "kubelet-client", "kubelet-server"


def certificate_managers(
    configuration: dict[str, Any],
    node: NodeConfig,
    folder: Path,
    client: Client,
    serving: ssl.SSLContext,
    now: Callable[[], datetime],
) -> list[CertificateManager]:
    """`rotateCertificates` is about the client's, `serverTLSBootstrap` about the server's."""
    managers = []
    if configuration["rotateCertificates"]:
        store = CertificateStore(folder, CLIENT)
        config = client.config
        if config.client_cert and config.client_key:
            store.adopt(config.client_key.decode(), config.client_cert.decode(), now())
        wanted = Wanted(node.name, KUBELET_CLIENT)
        managers.append(
            CertificateManager(
                client, store, lambda: wanted, client.use_certificate, now, random.Random(), OF_CLIENT
            )
        )
    if configuration["serverTLSBootstrap"]:
        server = Wanted(node.name, KUBELET_SERVING, (node.hostname,), tuple(node.addresses))
        managers.append(
            CertificateManager(
                client,
                CertificateStore(folder, SERVER),
                lambda: server,
                lambda pem: load_pair(serving, pem),
                now,
                random.Random(),
                OF_SERVER,
            )
        )
    return managers
