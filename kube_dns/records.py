"""What is asked and what is answered, as plain values that know neither wire format nor Kubernetes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Rcode(StrEnum):
    """The outcomes of a question, in the words of the protocol."""

    NOERROR = "NOERROR"
    FORMERR = "FORMERR"
    SERVFAIL = "SERVFAIL"
    NXDOMAIN = "NXDOMAIN"
    NOTIMP = "NOTIMP"
    REFUSED = "REFUSED"
    BADVERS = "BADVERS"


class Question(NamedTuple):
    """`name` is absolute and in lower case, whatever case it was asked in; `type` as in "AAAA"."""

    name: str
    type: str


class Record(NamedTuple):
    """A record of class IN, its data in presentation format."""

    name: str
    type: str
    ttl: int
    data: str

    def __str__(self) -> str:
        return f"{self.name} {self.ttl} IN {self.type} {self.data}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What we know. `follow` is the name that somebody else has to be asked about, to complete it."""

    records: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    rcode: Rcode = Rcode.NOERROR
    follow: str = ""
