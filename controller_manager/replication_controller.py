"""The ReplicationController controller: a ReplicaSet's with a plain map of labels as selector."""

from __future__ import annotations

from typing import ClassVar

from apimachinery import scheme
from apimachinery.labels import Selector, selector_from_map
from apimachinery.objects import Object
from controller_manager.replicaset import ReplicaSetController


class ReplicationControllerController(ReplicaSetController):
    """Keeps the number of pods of each ReplicationController at spec.replicas."""

    name: ClassVar[str] = "replication-controller"
    owners: ClassVar[scheme.Resource] = scheme.REPLICATION_CONTROLLERS

    def select(self, owner: Object) -> Selector:
        return selector_from_map(owner["spec"].get("selector") or {})
