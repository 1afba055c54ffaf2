"""How a machine that joins finds out whom it talks to: by the token, and by the digest of the CA's key.

The first answer is read from anybody. It counts only if it is signed with the token, and if the CA that it
names is the one whose digest the administrator has given; then it is read again, from that CA's server.
Source: cmd/kubeadm/app/discovery/token of Kubernetes 1.34.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from typing import Any

from apimachinery.bootstrap_tokens import (
    CLUSTER_INFO,
    CLUSTER_INFO_NAMESPACE,
    SIGNATURE_PREFIX,
    BootstrapToken,
    is_signed,
)
from apimachinery.errors import StatusError
from apimachinery.objects import Object
from apimachinery.scheme import CONFIG_MAPS
from apimachinery.serialize import from_yaml_all
from client.errors import ConnectionFailed
from client.rest import Client
from component_base.kubeconfig import ClientConfig
from kubeadm.host import HostError
from kubeadm.invitation import ca_hash

_LIMIT = 60.0
_RETRY_SECONDS = 1.0


async def discover(endpoint: str, token: BootstrapToken, ca_hashes: Sequence[str]) -> ClientConfig:
    """The cluster, with the token to talk to it. Without any digest whoever knows the token is trusted.

    Raises HostError.
    """
    server = f"https://{endpoint}"
    stranger = ClientConfig(server=server, insecure=True)
    authority, named_server = read_cluster_info(await _signed(stranger, token), token, ca_hashes)
    known = ClientConfig(server=server, ca=authority)
    read_cluster_info(await _signed(known, token), token, ca_hashes)
    return ClientConfig(server=named_server or server, ca=authority, token=str(token))


def read_cluster_info(info: Object, token: BootstrapToken, ca_hashes: Sequence[str]) -> tuple[bytes, str]:
    """(CA in PEM, server). Raises HostError if it is not this token's, or not the expected CA's."""
    data = info.get("data") or {}
    content, signature = data.get("kubeconfig", ""), data.get(f"{SIGNATURE_PREFIX}{token.id}", "")
    if not signature:
        raise HostError(f"the cluster does not know a token with the id {token.id!r} (or it has expired)")
    if not is_signed(content, signature, token):
        raise HostError("the cluster's information is not signed with this token: it may be forged")
    documents: list[Any] = [each for each in from_yaml_all(content) if each]
    cluster = documents[0]["clusters"][0]["cluster"]
    authority = base64.b64decode(cluster["certificate-authority-data"])
    if ca_hashes and (found := ca_hash(authority)) not in ca_hashes:
        raise HostError(f"the cluster's CA is {found}, which was not expected")
    return authority, cluster.get("server", "")


async def _signed(config: ClientConfig, token: BootstrapToken) -> Object:
    """The public ConfigMap; a new token's signature comes a moment after the token."""
    client = Client(config, user_agent="sampan-join")
    try:
        async with asyncio.timeout(_LIMIT):
            while True:
                info, problem = await _read(client)
                if f"{SIGNATURE_PREFIX}{token.id}" in (info.get("data") or {}):
                    return info
                if info and not problem:
                    problem = f"no signature of the token {token.id}"
                await asyncio.sleep(_RETRY_SECONDS)
    except TimeoutError:
        raise HostError(
            f"{config.server} did not tell about its cluster in {_LIMIT:g} s: {problem}"
        ) from None
    finally:
        await client.aclose()


async def _read(client: Client) -> tuple[Object, str]:
    try:
        return await client.get(CONFIG_MAPS, CLUSTER_INFO, CLUSTER_INFO_NAMESPACE), ""
    except (StatusError, ConnectionFailed) as error:
        return {}, str(error)
