"""What is said to a KMS v2 plugin, and what lies in etcd: protobuf messages, declared as a table.

Source: pkg/apis/v2/api.proto of kubernetes/kms and kmsv2/v2/api.proto of kubernetes/apiserver, both 0.34.
"""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

SERVICE = "/v2.KeyManagementService"
_BYTES, _STRING, _INT32 = 12, 9, 5
_MAP = 11
_MESSAGES: dict[str, dict[str, tuple[int, int]]] = {
    "StatusRequest": {},
    "StatusResponse": {"version": (1, _STRING), "healthz": (2, _STRING), "key_id": (3, _STRING)},
    "DecryptRequest": {
        "ciphertext": (1, _BYTES), "uid": (2, _STRING), "key_id": (3, _STRING), "annotations": (4, _MAP),
    },
    "DecryptResponse": {"plaintext": (1, _BYTES)},
    "EncryptRequest": {"plaintext": (1, _BYTES), "uid": (2, _STRING)},
    "EncryptResponse": {"ciphertext": (1, _BYTES), "key_id": (2, _STRING), "annotations": (3, _MAP)},
    "EncryptedObject": {
        "data": (1, _BYTES), "key_id": (2, _STRING), "source": (3, _BYTES), "annotations": (4, _MAP),
        "source_type": (5, _INT32),
    },
}  # fmt: skip
"""By message, its fields with number and type. Annotations map strings to bytes."""


@cache
def load() -> Any:
    """The message classes by name."""
    file = descriptor_pb2.FileDescriptorProto(name="kms.proto", package="v2", syntax="proto3")
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            _add(message, field, number, kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = pool.FindFileByName("kms.proto").message_types_by_name
    return SimpleNamespace(**{name: message_factory.GetMessageClass(each) for name, each in found.items()})


def _add(message: Any, name: str, number: int, kind: int) -> None:
    optional, repeated = 1, 3
    if kind != _MAP:
        message.field.add(name=name, number=number, type=kind, label=optional)
        return
    entry = message.nested_type.add(name=f"{name.capitalize()}Entry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, type=_STRING, label=optional)
    entry.field.add(name="value", number=2, type=_BYTES, label=optional)
    kind_of_entry = f".v2.{message.name}.{entry.name}"
    message.field.add(name=name, number=number, type=_MAP, label=repeated, type_name=kind_of_entry)
