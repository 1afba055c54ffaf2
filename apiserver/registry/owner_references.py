"""Duplicate owner references: all but the first are left out, and whoever sent them is warned.

Source: dedupOwnerReferences of upstream's apiserver/pkg/endpoints/handlers/rest.go.
"""

from __future__ import annotations

import orjson

from apimachinery.objects import Object

_WARNING = (
    ".metadata.ownerReferences contains duplicate entries{when}; API server dedups owner references in "
    "1.20+, and may reject such requests as early as 1.24; please fix your requests; "
    "duplicate UID(s) observed: {uids}"
)


def dedup_owner_references(obj: Object, *, after_admission: bool = False) -> list[str]:
    """Leaves duplicates out, in place; returns the warnings about them."""
    metadata = obj.get("metadata") or {}
    references = metadata.get("ownerReferences") or ()
    if len(references) < 2:
        return []
    kept: list[Object] = []
    uids: list[str] = []
    known: set[bytes] = set()
    for each in references:
        text = orjson.dumps(each, option=orjson.OPT_SORT_KEYS)
        if text in known:
            uids.append(each.get("uid") or "")
        else:
            known.add(text)
            kept.append(each)
    if not uids:
        return []
    metadata["ownerReferences"] = kept
    when = " after mutating admission happens" if after_admission else ""
    return [_WARNING.format(when=when, uids=", ".join(uids))]
