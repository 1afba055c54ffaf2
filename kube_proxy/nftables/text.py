"""Rulesets and their changes as text for `nft -f`. One text is one transaction: all of it or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kube_proxy.nftables import names
from kube_proxy.ruleset import Changes, Element, Map, Ruleset, Set, compare


def full_text(wanted: Ruleset, existing_sets: Iterable[str], ip: str) -> str:
    """Everything, whatever is there now. Sets that packets fill keep what they have.

    Chains that are not wanted are emptied only: see `delete_chains_text`.
    """
    changes = compare(Ruleset(), wanted)
    lines = [f'add table {ip} {names.TABLE} {{ comment "rules for kube-proxy" ; }}']
    # Where a chain hangs can't be changed, so those that another version left are made anew.
    for name in (name for name, chain in wanted.chains.items() if chain.hook):
        lines += [f"add chain {ip} {names.TABLE} {name}", f"delete chain {ip} {names.TABLE} {name}"]
    lines += _declarations(changes, wanted, ip)
    lines.append(f"flush table {ip} {names.TABLE}")
    lines += [f"flush map {ip} {names.TABLE} {name}" for name in wanted.maps]
    lines += [
        f"flush set {ip} {names.TABLE} {name}"
        for name, each in wanted.sets.items()
        if not each.timeout_seconds
    ]
    lines += _rules(changes.rewritten_chains, wanted, ip)
    lines += _additions(changes, wanted, ip)
    lines += [
        f"delete set {ip} {names.TABLE} {name}"
        for name in existing_sets
        if names.is_affinity_set(name) and name not in wanted.sets
    ]
    return "\n".join(lines) + "\n"


def changes_text(old: Ruleset, new: Ruleset, ip: str) -> str:
    """Only what differs; empty if nothing does."""
    changes = compare(old, new)
    if changes.is_empty:
        return ""
    table = f"{ip} {names.TABLE}"
    emptied = [name for name in changes.rewritten_chains if name in old.chains]
    lines = [f"flush chain {table} {name}" for name in (*emptied, *changes.gone_chains)]
    lines += [f"delete set {table} {name}" for name in changes.gone_sets]
    lines += [
        f"delete element {table} {name} {{ {', '.join(keys)} }}" for name, keys in changes.removed.items()
    ]
    lines += _declarations(changes, new, ip)
    lines += _rules(changes.rewritten_chains, new, ip)
    lines += _additions(changes, new, ip)
    return "\n".join(lines) + "\n"


def delete_chains_text(chains: Iterable[str], ip: str) -> str:
    """Deletes emptied chains. Kernels before 6.2 need a moment after the last map entry that led there."""
    return "".join(f"delete chain {ip} {names.TABLE} {name}\n" for name in chains)


def cleanup_text() -> str:
    """Takes everything of both families away, whether or not there is anything."""
    tables = [f"{ip} {names.TABLE}" for ip in ("ip", "ip6")]
    return "".join(f"add table {table}\ndelete table {table}\n" for table in tables)


def _declarations(changes: Changes, new: Ruleset, ip: str) -> list[str]:
    table = f"{ip} {names.TABLE}"
    lines = [f"add set {table} {name} {{ {_set(new.sets[name])} }}" for name in changes.new_sets]
    lines += [f"add map {table} {name} {{ {_map(new.maps[name])} }}" for name in changes.new_maps]
    for name in changes.new_chains:
        chain = new.chains[name]
        inside = [f"{chain.hook} ;"] if chain.hook else []
        inside += _comment(chain.comment)
        lines.append(f"add chain {table} {name}" + (f" {{ {' '.join(inside)} }}" if inside else ""))
    return lines


def _set(each: Set) -> str:
    parts = [f"type {each.type} ;"]
    if each.timeout_seconds:
        parts += ["flags dynamic,timeout ;", f"timeout {each.timeout_seconds}s ;"]
    return " ".join([*parts, *_comment(each.comment)])


def _map(each: Map) -> str:
    return " ".join([f"type {each.type} ;", *_comment(each.comment)])


def _comment(comment: str) -> list[str]:
    return [f'comment "{comment}" ;'] if comment else []


def _rules(chains: Iterable[str], new: Ruleset, ip: str) -> list[str]:
    return [
        f"add rule {ip} {names.TABLE} {name} {rule}" for name in chains for rule in new.chains[name].rules
    ]


def _additions(changes: Changes, new: Ruleset, ip: str) -> list[str]:
    lines = []
    for name, keys in changes.added.items():
        inside = (
            ", ".join(_entry(key, new.maps[name].elements) for key in keys)
            if name in new.maps
            else ", ".join(keys)
        )
        lines.append(f"add element {ip} {names.TABLE} {name} {{ {inside} }}")
    return lines


def _entry(key: str, elements: Mapping[str, Element]) -> str:
    element = elements[key]
    comment = f' comment "{element.comment}"' if element.comment else ""
    return f"{key}{comment} : {element.verdict}"
