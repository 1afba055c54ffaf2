"""resolv.conf(5): the name servers, search domains and options of a machine or a pod."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ResolvConf:
    servers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


def parse_resolv_conf(text: str) -> ResolvConf:
    """The last `search` and `options` lines count; a bare dot stays."""
    servers: list[str] = []
    searches: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    for line in text.splitlines():
        words = line.split("#")[0].split(";")[0].split()
        if len(words) > 1 and words[0] == "nameserver":
            servers.append(words[1])
        elif words and words[0] == "search":
            searches = tuple(word if word == "." else word.rstrip(".") for word in words[1:])
        elif words and words[0] == "options":
            options = tuple(words[1:])
    return ResolvConf(tuple(servers), searches, options)
