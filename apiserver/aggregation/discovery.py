"""Discovery with what other servers tell of their resources. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from apimachinery.objects import Object
from apiserver.aggregation.local import GroupVersion, group_priority
from apiserver.aggregation.remotes import Remote


def with_groups(groups: Sequence[Object], remotes: Iterable[Remote]) -> list[Object]:
    """The APIGroups of /apis: those of others in the place that their priority gives them."""
    by_name = {each["name"]: each for each in groups}
    places = {name: group_priority(name) for name in by_name}
    for name, versions in _by_group(remotes).items():
        known = by_name.get(name)
        entries = [*(known["versions"] if known else ()), *map(_group_version, versions)]
        by_name[name] = {"name": name, "versions": entries, "preferredVersion": entries[0]}
        places[name] = max(places.get(name, 0), *(each.group_priority for each in versions))
    return sorted(by_name.values(), key=lambda each: -places[each["name"]])


def _by_group(remotes: Iterable[Remote]) -> dict[str, list[Remote]]:
    """Each group's versions, the best first."""
    found: dict[str, list[Remote]] = {}
    for each in sorted(remotes, key=lambda each: (each.group, -each.version_priority, each.version)):
        found.setdefault(each.group, []).append(each)
    return found


def _group_version(remote: Remote) -> Object:
    return {"groupVersion": f"{remote.group}/{remote.version}", "version": remote.version}


def with_resources(
    items: Sequence[Object], remotes: Iterable[Remote], told: Mapping[GroupVersion, Object]
) -> list[Object]:
    """The items of an APIGroupDiscoveryList. What did not answer is stale, as far as it is known at all."""
    by_name = {each["metadata"].get("name", ""): each for each in items}
    places = {name: group_priority(name) for name in by_name}
    for name, versions in _by_group(remotes).items():
        known = by_name.get(name) or {"metadata": {"name": name}, "versions": []}
        added = [_version(each, told.get((each.group, each.version))) for each in versions]
        by_name[name] = {**known, "versions": [*known["versions"], *added]}
        places[name] = max(places.get(name, 0), *(each.group_priority for each in versions))
    return sorted(by_name.values(), key=lambda each: -places[each["metadata"].get("name", "")])


def _version(remote: Remote, told: Object | None) -> Object:
    entry: Object = {"version": remote.version}
    if told is not None:
        entry["resources"] = resources_of(told, remote)
    return entry | {"freshness": "Current" if remote.is_available and told is not None else "Stale"}


def resources_of(told: Object, remote: Remote) -> list[Object]:
    """An APIResourceList in the form of the aggregated discovery."""
    entries: dict[str, Object] = {}
    listed = sorted(told.get("resources") or (), key=lambda each: "/" in each["name"])
    for each in listed:
        plural, _, subresource = each["name"].partition("/")
        kind = {
            "group": each.get("group") or remote.group,
            "version": each.get("version") or remote.version,
            "kind": each["kind"],
        }
        verbs = {"verbs": sorted(each.get("verbs") or ())}
        if subresource:
            parent = entries.setdefault(plural, {"resource": plural, "verbs": []})
            subresources = parent.setdefault("subresources", [])
            subresources.append({"subresource": subresource, "responseKind": kind, **verbs})
            continue
        scope = "Namespaced" if each.get("namespaced") else "Cluster"
        entries[plural] = {
            "resource": plural, "responseKind": kind, "scope": scope,
            "singularResource": each.get("singularName") or "", **verbs,
            **{name: each[name] for name in ("shortNames", "categories") if each.get(name)},
        }  # fmt: skip
    return list(entries.values())
