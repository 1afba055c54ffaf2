"""The findings as text for people and JSON for machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from apimachinery.objects import Object
from kubeadm.findings import Finding, Level

API_VERSION, KIND = "doctor.sampan.io/v1", "Report"


def to_object(parts: Mapping[str, Sequence[Finding]]) -> Object:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "healthy": is_healthy(parts),
        **{name: [each.to_object() for each in findings] for name, findings in parts.items()},
    }


def is_healthy(parts: Mapping[str, Sequence[Finding]]) -> bool:
    """Warnings are no illness."""
    return not any(each.level is Level.ERROR for findings in parts.values() for each in findings)


def render(parts: Mapping[str, Sequence[Finding]]) -> str:
    return "\n".join(_part(name, findings) for name, findings in parts.items() if findings)


def _part(name: str, findings: Sequence[Finding]) -> str:
    width = max(len(each.check) for each in findings)
    lines = [name]
    for each in findings:
        lines.append(f"  {each.level.value:<8} {each.check:<{width}}  {each.text}")
        indent = " " * (12 + width)
        if each.fix:
            lines.append(f"{indent} fix: {each.fix}")
        if each.command:
            lines.append(f"{indent} $ {each.command}")
    return "".join(f"{line}\n" for line in lines)
