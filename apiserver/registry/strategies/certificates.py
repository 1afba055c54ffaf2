"""CertificateSigningRequests."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from apimachinery import names
from apimachinery.durations import human_duration
from apimachinery.field import ErrorList, Errors, Path, duplicate, forbidden, invalid, not_supported, required
from apimachinery.objects import Object, get_path
from apimachinery.times import format_time
from apiserver.registry.certificate_metrics import count_issued
from apiserver.registry.strategies.checks import enumerate_repeats, matches, same
from apiserver.registry.strategies.tables import NONE, age
from apiserver.registry.strategy import (
    AGE_COLUMN,
    NAME_COLUMN,
    Column,
    Rollback,
    Strategy,
    WriteContext,
    nothing_to_undo,
)

_SPEC, _CONDITIONS = Path("spec"), Path("status", "conditions")
_USAGES = (
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
)
_NOT_PEM = "PEM block type must be CERTIFICATE REQUEST"


class CertificateSigningRequestStrategy(Strategy):
    tracks_generation = False
    columns: Sequence[Column] = (
        NAME_COLUMN,
        AGE_COLUMN,
        *(Column(name) for name in ("SignerName", "Requestor", "RequestedDuration", "Condition")),
    )

    def default(self, obj: Object) -> None:
        obj.setdefault("spec", {})

    def prepare_for_create(self, obj: Object) -> None:
        obj["status"] = {}

    def prepare_for_update(self, new: Object, old: Object) -> None:
        new["spec"], new["status"] = old["spec"], old.get("status") or {}

    def prepare_for_status_update(self, new: Object, old: Object) -> None:
        """Approvals have a subresource of their own."""
        new["spec"] = old["spec"]
        decided = ("Approved", "Denied")
        kept = [c for c in get_path(old, "status.conditions", ()) if c.get("type") in decided]
        others = [c for c in get_path(new, "status.conditions", ()) if c.get("type") not in decided]
        new["status"] = {**(new.get("status") or {}), "conditions": [*kept, *others]}

    async def begin_update(self, ctx: WriteContext, new: Object, old: Object) -> Rollback:
        set_condition_times(new, old, format_time(ctx.now()))
        return nothing_to_undo

    async def after_update(self, ctx: WriteContext, new: Object, old: Object) -> None:
        count_issued(new, old)

    def validate(self, obj: Object) -> ErrorList:
        return list(_validate_spec(obj["spec"]))

    def validate_update(self, new: Object, old: Object) -> ErrorList:
        return list(_validate_conditions(new, old))

    def validate_status_update(self, new: Object, old: Object) -> ErrorList:
        before, after = get_path(old, "status.certificate"), get_path(new, "status.certificate")
        errors = list(_validate_conditions(new, old))
        if before and not same(before, after):
            detail = "updates may not modify certificate"
            errors.append(forbidden(Path("status", "certificate"), detail))
        return errors

    def reset_fields(self, subresource: str) -> tuple[str, ...]:
        return _RESETS[subresource]

    def for_subresource(self, subresource: str) -> Strategy:
        return _APPROVAL if subresource == "approval" else self

    def selectable_fields(self, obj: Object) -> Mapping[str, str]:
        return {"spec.signerName": get_path(obj, "spec.signerName", "")}

    def cells(self, obj: Object, now: datetime) -> list[Any]:
        spec = obj["spec"]
        seconds = spec.get("expirationSeconds")
        return [
            obj["metadata"]["name"],
            age(obj, now),
            spec.get("signerName") or NONE,
            spec.get("username") or "",
            NONE if seconds is None else human_duration(seconds),
            _condition_text(obj),
        ]


_RESETS = {
    "": ("spec", "status"),
    "status": ("spec", "status.conditions"),
    "approval": ("spec", "status.certificate"),
}


class _ApprovalStrategy(CertificateSigningRequestStrategy):
    """PUT of certificatesigningrequests/approval: only conditions change."""

    def prepare_for_update(self, new: Object, old: Object) -> None:
        conditions = get_path(new, "status.conditions")
        new["spec"], new["status"] = old["spec"], {**(old.get("status") or {})}
        if conditions is not None:
            new["status"]["conditions"] = conditions


_APPROVAL = _ApprovalStrategy()


def set_condition_times(new: Object, old: Object, now: str) -> None:
    """Notes when each condition came to be, in place, where nobody says so."""
    before = {
        (each.get("type"), each.get("status")): each.get("lastTransitionTime")
        for each in get_path(old, "status.conditions", ())
    }
    for condition in get_path(new, "status.conditions", ()):
        since = before.get((condition.get("type"), condition.get("status"))) or now
        condition["lastTransitionTime"] = condition.get("lastTransitionTime") or since
        condition["lastUpdateTime"] = condition.get("lastUpdateTime") or condition["lastTransitionTime"]


def _condition_text(request: Object) -> str:
    types = {condition.get("type") for condition in get_path(request, "status.conditions", ())}
    text = "Denied" if "Denied" in types else "Approved" if "Approved" in types else "Pending"
    if "Failed" in types:
        text += ",Failed"
    return f"{text},Issued" if get_path(request, "status.certificate") else text


def _validate_spec(spec: Object) -> Errors:
    if wrong := _not_a_request(spec.get("request") or ""):
        yield invalid(_SPEC.child("request"), spec.get("request") or "", wrong)
    usages, at = spec.get("usages") or [], _SPEC.child("usages")
    if not usages:
        yield required(at)
    for index, usage, is_repeated in enumerate_repeats(usages):
        if usage not in _USAGES:
            yield not_supported(at.index(index), usage, _USAGES)
        elif is_repeated:
            yield duplicate(at.index(index), usage)
    yield from signer_name(spec.get("signerName") or "", _SPEC.child("signerName"))
    seconds = spec.get("expirationSeconds")
    if seconds is not None and seconds < 600:
        detail = "may not specify a duration less than 600 seconds (10 minutes)"
        yield invalid(_SPEC.child("expirationSeconds"), seconds, detail)


def _not_a_request(encoded: str) -> str:
    try:
        text = base64.b64decode(encoded)
    except binascii.Error:
        return _NOT_PEM
    if not re.search(rb"-----BEGIN (NEW )?CERTIFICATE REQUEST-----", text):
        return _NOT_PEM
    from cryptography import x509

    try:
        x509.load_pem_x509_csr(text)
    except ValueError as error:
        return str(error)
    return ""


def signer_name(name: str, path: Path) -> Errors:
    domain, slash, rest = name.partition("/")
    if not name:
        yield required(path)
        return
    if not slash or "/" in rest or not domain or not rest:
        detail = "must be a fully qualified domain and path of the form 'example.com/signer-name'"
        yield invalid(path, name, detail)
        return
    wrong = names.is_dns1123_subdomain(domain)
    yield from (invalid(path, domain, f'validating label "{domain}": {text}') for text in wrong)
    if not wrong and len(domain.split(".")) < 2:
        yield invalid(path, domain, "should be a domain with at least two segments separated by dots")
    yield from matches(rest, path, names.is_dns1123_subdomain)


def _validate_conditions(new: Object, old: Object) -> Errors:
    seen: set[str] = set()
    for index, condition in enumerate(get_path(new, "status.conditions", ())):
        at, sort = _CONDITIONS.index(index), condition.get("type") or ""
        if not sort:
            yield required(at.child("type"))
        elif sort in seen:
            yield duplicate(at.child("type"), sort)
        seen.add(sort)
        status = condition.get("status") or ""
        if not status:
            yield required(at.child("status"))
        elif status not in ("False", "True", "Unknown"):
            yield not_supported(at.child("status"), status, ("False", "True", "Unknown"))
        elif sort in ("Approved", "Denied", "Failed") and status != "True":
            yield not_supported(at.child("status"), status, ["True"])
    if {"Approved", "Denied"} <= seen:
        yield invalid(_CONDITIONS, sorted(seen), "Approved and Denied conditions are mutually exclusive")
    for condition in get_path(old, "status.conditions", ()):
        if condition.get("type") in ("Approved", "Denied", "Failed") and condition["type"] not in seen:
            detail = f'updates may not remove a condition of type "{condition["type"]}"'
            yield forbidden(_CONDITIONS, detail)
