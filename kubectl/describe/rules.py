"""Roles, bindings and network policies: who may do what, and who may talk to whom."""

from __future__ import annotations

from collections.abc import Sequence

from apimachinery.objects import Object, labels_of, name_of
from kubectl.describe import values
from kubectl.describe.related import Related
from kubectl.describe.values import NONE
from kubectl.describe.writer import Writer


def write_role(writer: Writer, obj: Object, _: Related) -> None:
    writer.field("Name", name_of(obj))
    values.write_marks(writer, obj)
    writer.line("PolicyRule:")
    writer.line("Resources\tNon-Resource URLs\tResource Names\tVerbs", 1)
    writer.line("---------\t-----------------\t--------------\t-----", 1)
    for rule in obj.get("rules") or ():
        for resource in _resources(rule):
            lists = (rule.get("nonResourceURLs"), rule.get("resourceNames"), rule.get("verbs"))
            writer.line("\t".join([resource, *(f"[{' '.join(each or ())}]" for each in lists)]), 1)


def _resources(rule: Object) -> list[str]:
    names = [
        f"{resource}.{group}" if group else resource
        for resource in rule.get("resources") or ()
        for group in rule.get("apiGroups") or ("",)
    ]
    return sorted(names) or [""]


def write_binding(writer: Writer, obj: Object, _: Related) -> None:
    role = obj["roleRef"]
    writer.field("Name", name_of(obj))
    values.write_marks(writer, obj)
    writer.line("Role:")
    writer.field("Kind", role["kind"], 1)
    writer.field("Name", role["name"], 1)
    writer.line("Subjects:")
    writer.line("Kind\tName\tNamespace", 1)
    writer.line("----\t----\t---------", 1)
    for each in obj.get("subjects") or ():
        writer.line(f"{each['kind']}\t{each['name']}\t{each.get('namespace', '')}", 1)


def write_network_policy(writer: Writer, obj: Object, _: Related) -> None:
    spec = obj.get("spec") or {}
    values.write_head(writer, obj)
    created = obj["metadata"].get("creationTimestamp")
    writer.field("Created on", values.local_time(created))
    values.write_labels(writer, "Labels", labels_of(obj))
    values.write_annotations(writer, "Annotations", obj["metadata"].get("annotations"))
    writer.line("Spec:")
    text = values.format_label_selector(spec.get("podSelector") or {})
    allowed = "<none> (Allowing the specific traffic to all pods in this namespace)"
    writer.line(f"PodSelector:     {allowed if text == NONE else text}", 1)
    types = spec.get("policyTypes") or ["Ingress"]
    for direction, word, field in (("Ingress", "From", "from"), ("Egress", "To", "to")):
        name = direction.lower()
        if direction in types:
            writer.line(f"Allowing {name} traffic:", 1)
            _write_traffic(writer, spec.get(name) or (), word, field, name)
        else:
            writer.line(f"Not affecting {name} traffic", 1)
    writer.line(f"Policy Types: {', '.join(types)}", 1)


def _write_traffic(writer: Writer, rules: Sequence[Object], word: str, field: str, name: str) -> None:
    if not rules:
        writer.line(f"<none> (Selected pods are isolated for {name} connectivity)", 2)
        return
    for index, rule in enumerate(rules):
        ports = rule.get("ports") or ()
        if not ports:
            writer.line("To Port: <any> (traffic allowed to all ports)", 2)
        for port in ports:
            writer.line(f"To Port: {port.get('port', '<any>')}/{port.get('protocol', 'TCP')}", 2)
        peers = rule.get(field) or ()
        if not peers:
            source = "not restricted by source" if word == "From" else "not restricted by destination"
            writer.line(f"{word}: <any> (traffic {source})", 2)
        for peer in peers:
            writer.line(f"{word}:", 2)
            _write_peer(writer, peer)
        if index != len(rules) - 1:
            writer.line("----------", 2)


def _write_peer(writer: Writer, peer: Object) -> None:
    for title, field in (("NamespaceSelector", "namespaceSelector"), ("PodSelector", "podSelector")):
        if field in peer:
            writer.line(f"{title}: {values.format_label_selector(peer[field])}", 3)
    if block := peer.get("ipBlock"):
        writer.line("IPBlock:", 3)
        writer.line(f"CIDR: {block['cidr']}", 4)
        writer.line(f"Except: {', '.join(block.get('except') or ())}", 4)
