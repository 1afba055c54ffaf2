"""Which cipher writes a value and which can read it: the first writes, a prefix says who can read.

Source: pkg/storage/value/transformer.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter

from apimachinery.scheme import BUILTIN, EVENTS_GROUP
from apiserver.storage.encryption.ciphers import Cipher, CipherError, Identity
from apiserver.storage.encryption.kms.key_service import KeyService
from apiserver.storage.encryption.metrics import count_transformation
from apiserver.storage.keys import prefixes

ANY = "*"
_FROM, _TO = "from_storage", "to_storage"


@dataclass(frozen=True, slots=True)
class Provider:
    """One key of one provider. Its values in etcd begin with `prefix`: `k8s:enc:aescbc:v1:key1:`."""

    prefix: bytes
    cipher: Cipher
    label: str
    """As metrics name it."""
    is_outdated: Callable[[bytes], bool] = lambda data: False
    """Whether a value that it could open would now be sealed with another key."""

    @property
    def no_key(self) -> str:
        """What is wrong with a value that has been sealed by such a provider with a key of another name."""
        kind = "Secretbox" if self.label.startswith("k8s:enc:secretbox:") else "AES"
        return f"no matching key was found for the provided {kind} transformer"


PLAIN = (Provider(b"", Identity(), "identity"),)


@dataclass(frozen=True, slots=True)
class Plain:
    """A value as read; stale if a write would now store it in another way."""

    value: bytes
    is_stale: bool


class Transformer:
    """The providers of a resource in their order."""

    def __init__(self, resource: str, providers: Sequence[Provider]) -> None:
        """`resource`: as metrics name it, secrets or deployments.apps; empty: not worth counting."""
        self._resource = resource
        self._providers = tuple(providers)

    def seal(self, value: bytes, key: str) -> bytes:
        """Raises CipherError, KeyNeeded."""
        first, began = self._providers[0], perf_counter()
        try:
            sealed = first.cipher.seal(value, key.encode())
        except CipherError:
            self._count(_TO, first.label, None)
            raise
        self._count(_TO, first.label, began)
        return first.prefix + sealed

    def open(self, data: bytes, key: str) -> Plain:
        """Raises CipherError, KeyNeeded. Keys of one name may be listed twice: each is tried."""
        problem, began = "", perf_counter()
        for position, each in enumerate(self._providers):
            if not data.startswith(each.prefix):
                continue
            sealed = data[len(each.prefix) :]
            try:
                value = each.cipher.open(sealed, key.encode())
            except CipherError as error:
                if each.prefix:
                    problem = problem or str(error)
                    self._count(_FROM, each.label, None)
                continue
            self._count(_FROM, each.label, began)
            return Plain(value, position > 0 or each.is_outdated(sealed))
        if not problem:
            self._count(_FROM, "unknown", None)
        raise CipherError(problem or self._nobody_for(data))

    def _nobody_for(self, data: bytes) -> str:
        of_the_kind = (
            each for each in self._providers if each.prefix and data.startswith(each.label.encode())
        )
        return next((each.no_key for each in of_the_kind), "no matching prefix found")

    def _count(self, kind: str, label: str, began: float | None) -> None:
        """Without a beginning it was a failure."""
        if self._resource:
            count_transformation(self._resource, kind, label, began)


UNTOUCHED = Transformer("", PLAIN)
"""For what nobody wants encrypted."""


class Transformers:
    """The transformer of every key. `rules`: providers by `secrets`, `deployments.apps`, `*.apps`, `*.*`."""

    def __init__(self, rules: Mapping[str, Sequence[Provider]], services: Sequence[KeyService] = ()) -> None:
        self.services = tuple(services)
        """Those among the ciphers that have to be kept going."""
        self._rules = dict(rules)
        # Events of both groups lie where those of the group without a name do.
        kept = [each for each in BUILTIN if each.group != EVENTS_GROUP]
        self._by_prefix = {each.storage_prefix: self._rule(each.group, each.plural) for each in kept}

    def of_key(self, key: str) -> Transformer | None:
        """None for what is no resource: locks, allocations, marks of compaction."""
        for prefix in prefixes(key):
            found = self._by_prefix.get(prefix)
            if found is not None:
                return found
        return self._custom(key)

    def _custom(self, key: str) -> Transformer | None:
        """Of /registry/stable.example.com/crontabs/…; remembered from then on."""
        _, _, group, plural, *names = key.split("/", 4) if key.count("/") > 3 else ("", "", "", "")
        if "." not in group or not names:
            return None
        return self._by_prefix.setdefault(f"/registry/{group}/{plural}/", self._rule(group, plural))

    def _rule(self, group: str, plural: str) -> Transformer:
        names = (f"{plural}.{group}" if group else plural, f"{ANY}.{group}", f"{ANY}.{ANY}")
        providers = next((self._rules[name] for name in names if name in self._rules), None)
        return UNTOUCHED if providers is None else Transformer(names[0], providers)
