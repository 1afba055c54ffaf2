"""The kubeconfig files of the administrator and of each component, with their certificates inside."""

from __future__ import annotations

import base64
from pathlib import Path

from apimachinery.objects import Object
from apimachinery.serialize import to_yaml
from kubeadm.config import ClusterConfig

USERS = {
    "admin": "kubernetes-admin",
    "controller-manager": "system:kube-controller-manager",
    "scheduler": "system:kube-scheduler",
    "kubelet": "system:node",
    "proxy": "system:kube-proxy",
}


def write_kubeconfigs(config: ClusterConfig) -> None:
    """Writes every kubeconfig anew; they hold keys, so only their owner reads them."""
    for who in USERS:
        path = config.kubeconfig(who)
        path.touch(mode=0o600)
        path.write_text(to_yaml(kubeconfig(config, who)))


def kubeconfig(config: ClusterConfig, who: str) -> Object:
    """A portable kubeconfig (v1 Config): everything inline, one context."""
    user = USERS[who]
    context = config.name if who == "admin" else f"{user}@{config.name}"
    cluster = {"server": config.server, "certificate-authority-data": _inline(config.pki / "ca.crt")}
    credentials = {
        "client-certificate-data": _inline(config.pki / f"{who}.crt"),
        "client-key-data": _inline(config.pki / f"{who}.key"),
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": config.name, "cluster": cluster}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": context, "context": {"cluster": config.name, "user": user}}],
        "current-context": context,
        "preferences": {},
    }


def _inline(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
