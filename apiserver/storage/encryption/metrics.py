"""What is counted about encryption at rest, with upstream's names.

Source: pkg/storage/value/metrics.go and encrypt/envelope/metrics/metrics.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from time import perf_counter

from apiserver.identity import own_hash
from component_base.metrics import Counter, Gauge, Histogram

_STORAGE, _ENVELOPE = "apiserver_storage", "apiserver_envelope_encryption"

OPERATIONS = Counter(
    f"{_STORAGE}_transformation_operations_total",
    "Total number of transformations. Successful transformation will have a status 'OK' and a varied status "
    "string when the transformation fails. The status, resource, and transformation_type fields can be used "
    "for alerting purposes. For example, you can monitor for encryption/decryption failures using the "
    "transformation_type (e.g., from_storage for decryption and to_storage for encryption). Additionally, "
    "these fields can be used to ensure that the correct transformers are applied to each resource.",
    ["resource", "transformation_type", "transformer_prefix", "status"],
)
LATENCY = Histogram(
    f"{_STORAGE}_transformation_duration_seconds",
    "Latencies in seconds of value transformation operations.",
    ["transformation_type", "transformer_prefix"],
    buckets=[5e-6 * 2**power for power in range(25)],
)
CACHE_MISSES = Counter(
    f"{_STORAGE}_envelope_transformation_cache_misses_total",
    "Total number of cache misses while accessing key decryption key(KEK).",
)
KMS_LATENCY = Histogram(
    f"{_ENVELOPE}_kms_operations_latency_seconds",
    "KMS operation duration with gRPC error code status total.",
    ["provider_name", "method_name", "grpc_status_code"],
    buckets=[0.0001 * 2**power for power in range(20)],
)
INVALID_KEY_IDS = Counter(
    f"{_ENVELOPE}_invalid_key_id_from_status_total",
    "Number of times an invalid keyID is returned by the Status RPC call split by error.",
    ["provider_name", "error"],
)
KNOWN_SOURCES = Gauge(
    f"{_ENVELOPE}_dek_source_cache_size",
    "Number of records in data encryption key (DEK) source cache. On a restart, this value is an "
    "approximation of the number of decrypt RPC calls the server will make to the KMS plugin.",
    ["provider_name"],
)
_KEYS = Counter(
    f"{_ENVELOPE}_key_id_hash_total",
    "Number of times a keyID is used split by transformation type, provider, and apiserver identity.",
    ["transformation_type", "provider_name", "key_id_hash", "apiserver_id_hash"],
)
_KEY_TIMES = Gauge(
    f"{_ENVELOPE}_key_id_hash_last_timestamp_seconds",
    "The last time in seconds when a keyID was used.",
    ["transformation_type", "provider_name", "key_id_hash", "apiserver_id_hash"],
)
_STATUS_TIMES = Gauge(
    f"{_ENVELOPE}_key_id_hash_status_last_timestamp_seconds",
    "The last time in seconds when a keyID was returned by the Status RPC call.",
    ["provider_name", "key_id_hash", "apiserver_id_hash"],
)


def count_transformation(resource: str, kind: str, prefix: str, began: float | None) -> None:
    """`kind`: from_storage, to_storage; `began` by perf_counter, None if it failed."""
    status = "unknown-non-grpc" if began is None else "OK"
    OPERATIONS.labels(resource, kind, prefix, status).inc()
    if began is not None:
        LATENCY.labels(kind, prefix).observe(perf_counter() - began)


def count_key(kind: str, provider: str, key_id_hash: str) -> None:
    _KEYS.labels(kind, provider, key_id_hash, own_hash()).inc()
    _KEY_TIMES.labels(kind, provider, key_id_hash, own_hash()).set_to_current_time()


def note_status_key(provider: str, key_id_hash: str) -> None:
    _STATUS_TIMES.labels(provider, key_id_hash, own_hash()).set_to_current_time()
