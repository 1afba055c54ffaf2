"""Groups of the Kubernetes community: their APIs need its approval, told by an annotation. Pure."""

from __future__ import annotations

from typing import Literal

from apimachinery.urls import parse_request_uri

APPROVED_ANNOTATION = "api-approved.kubernetes.io"

Approval = Literal["missing", "bypassed", "approved", "invalid"]
_NEEDED = f'protected groups must have approval annotation "{APPROVED_ANNOTATION}"'
_SEE = ", see https://github.com/kubernetes/enhancements/pull/1111"


def is_protected(group: str) -> bool:
    """Whether only the community may define APIs in the group."""
    return f".{group}".endswith((".k8s.io", ".kubernetes.io"))


def approval_of(annotation: str | None) -> tuple[Approval, str]:
    """What the annotation says, and upstream's sentence about it."""
    if not annotation:
        return "missing", _NEEDED + _SEE
    if annotation.startswith("unapproved"):
        return "bypassed", f'not approved: "{annotation}"'
    if _is_url(annotation):
        return "approved", f"approved in {annotation}"
    return "invalid", f'{_NEEDED} with either a URL or a reason starting with "unapproved"{_SEE}'


def _is_url(text: str) -> bool:
    try:
        url = parse_request_uri(text)
    except ValueError:
        return False
    return bool(url.scheme and url.host)
