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
    "proxy": "system:kube-proxy",
    "dns": "system:kube-dns",
}


def write_kubeconfigs(config: ClusterConfig) -> None:
    """Writes every kubeconfig of this machine anew."""
    kubelets = {f"kubelet{node.suffix}": f"system:node:{node.name}" for node in config.nodes}
    for who, user in {**USERS, **kubelets}.items():
        credentials = {
            "client-certificate-data": _inline(config.pki / f"{who}.crt"),
            "client-key-data": _inline(config.pki / f"{who}.key"),
        }
        write(config.kubeconfig(who), kubeconfig(config, user, credentials))


def write(path: Path, content: Object) -> None:
    """It holds keys: only its owner reads it."""
    path.touch(mode=0o600)
    path.write_text(to_yaml(content))


def kubeconfig(config: ClusterConfig, user: str, credentials: Object) -> Object:
    """A portable kubeconfig (v1 Config): everything inline, one context."""
    context = config.name if user == USERS["admin"] else f"{user}@{config.name}"
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": config.name, "cluster": cluster_entry(config)}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": context, "context": {"cluster": config.name, "user": user}}],
        "current-context": context,
        "preferences": {},
    }


def cluster_entry(config: ClusterConfig) -> Object:
    """Where the cluster is, and by which CA it is known."""
    return {"server": config.server, "certificate-authority-data": _inline(config.pki / "ca.crt")}


def _inline(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
