"""Which cipher writes a value and which can read it: the first writes, a prefix says who can read.

Source: pkg/storage/value/transformer.go of kubernetes/apiserver 0.34.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apimachinery.scheme import BUILTIN, EVENTS_GROUP
from apiserver.storage.encryption.ciphers import Cipher, CipherError, Identity
from apiserver.storage.keys import prefixes

ANY = "*"


@dataclass(frozen=True, slots=True)
class Provider:
    """One key of one provider. Its values in etcd begin with `prefix`: `k8s:enc:aescbc:v1:key1:`."""

    prefix: bytes
    cipher: Cipher


@dataclass(frozen=True, slots=True)
class Plain:
    """A value as read; stale if a write would now store it in another way."""

    value: bytes
    is_stale: bool


class Transformer:
    """The providers of a resource in their order."""

    def __init__(self, providers: Sequence[Provider]) -> None:
        self._providers = tuple(providers)

    def seal(self, value: bytes, key: str) -> bytes:
        first = self._providers[0]
        return first.prefix + first.cipher.seal(value, key.encode())

    def open(self, data: bytes, key: str) -> Plain:
        """Raises CipherError. Keys of one name may be listed twice: each is tried."""
        problem = ""
        for position, each in enumerate(self._providers):
            if not data.startswith(each.prefix):
                continue
            try:
                return Plain(each.cipher.open(data[len(each.prefix) :], key.encode()), position > 0)
            except CipherError as error:
                problem = problem or (str(error) if each.prefix else "")
        raise CipherError(problem or "no matching prefix found")


PLAIN = Transformer([Provider(b"", Identity())])
"""For what nobody wants encrypted."""


class Transformers:
    """The transformer of every key. `rules`: by `secrets`, `deployments.apps`, `*.apps`, `*.*`."""

    def __init__(self, rules: Mapping[str, Transformer]) -> None:
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
        return next((self._rules[name] for name in names if name in self._rules), PLAIN)
