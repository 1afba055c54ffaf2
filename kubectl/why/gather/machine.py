"""This machine, if the cluster that is asked about runs here."""

from __future__ import annotations

from datetime import datetime

from component_base.addresses import primary_address
from component_base.kubeconfig import ConfigError, load
from kubeadm.config import ClusterConfig, default_node_name, state_dir_from_environment
from kubeadm.inspection import Inspection, inspect


def inspect_if_here(server: str, now: datetime) -> Inspection | None:
    """None if another cluster runs here, or none, or its files may not be read."""
    config = ClusterConfig(
        state_dir=state_dir_from_environment(), node_name=default_node_name(), node_ip=primary_address()
    )
    try:
        if load(config.admin_kubeconfig).server != server:
            return None
        return inspect(config, now)
    except (ConfigError, OSError):
        return None
