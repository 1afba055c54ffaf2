"""Whether a CSI driver has room for another volume, where it says so in CSIStorageCapacity objects. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from apimachinery.labels import SelectorError, selector_from_label_selector
from apimachinery.objects import NamespacedName, Object, get_path, name_of
from apimachinery.quantity import Quantity
from apimachinery.volumes import request_of
from scheduler.volumes.storage import CAPACITIES_BY_CLASS, Storage


def has_space(claim: Object, storage_class: Object, labels: Mapping[str, str], storage: Storage) -> bool:
    """For a node with these labels. A driver that says nothing of its capacity is taken to have enough."""
    driver = storage.drivers.get(NamespacedName("", storage_class["provisioner"]))
    if not get_path(driver, "spec.storageCapacity", False):
        return True
    capacities = storage.capacities.by_index(CAPACITIES_BY_CLASS, name_of(storage_class))
    return any(_holds(each, request_of(claim)) and _reaches(each, labels) for each in capacities)


def _holds(capacity: Object, wanted: Quantity) -> bool:
    """The largest volume that can be made tells more than all that is free."""
    limit = capacity.get("maximumVolumeSize") or capacity.get("capacity")
    return limit is not None and Quantity.parse(limit) >= wanted


def _reaches(capacity: Object, labels: Mapping[str, str]) -> bool:
    try:
        return selector_from_label_selector(capacity.get("nodeTopology")).matches(labels)
    except SelectorError:  # refused by validation; an old object may still carry one
        return False
