"""Warning headers: what an answer, good or bad, tells beside itself.

Source: upstream's apiserver/pkg/endpoints/filters/warning.go and apimachinery/pkg/util/net/http.go.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from itertools import accumulate, islice

_MAX_IN_ALL, _MAX_CUT = 4096, 256
"""Characters: beyond the first, each warning is cut down to the second."""
MOST_WARNINGS = _MAX_IN_ALL + 1
"""No more than these can be told, however short they are."""


def warning_headers(warnings: Iterable[str]) -> list[tuple[bytes, bytes]]:
    """RFC 7234 as upstream writes it: `299 - "text"`, each text once, none with control characters."""
    texts = (text for text in dict.fromkeys(warnings) if text and not _has_controls(text))
    fitting = _fitting([*islice(texts, MOST_WARNINGS)])
    return [(b"warning", b'299 - "%b"' % _quoted(text)) for text in fitting]


def _fitting(texts: Sequence[str]) -> Sequence[str]:
    """All of them; or all cut down: those up to the one that was too much, and more while there is room."""
    sizes = accumulate(map(len, texts))
    told = next((count for count, size in enumerate(sizes, 1) if size > _MAX_IN_ALL), None)
    if told is None:
        return texts
    cut = [text[:_MAX_CUT] for text in texts]
    for count, size in enumerate(accumulate(map(len, cut)), 1):
        if count >= told and size >= _MAX_IN_ALL:
            return cut[:count]
    return cut


def _has_controls(text: str) -> bool:
    return any(unicodedata.category(each) == "Cc" for each in text)


def _quoted(text: str) -> bytes:
    return text.replace("\\", "\\\\").replace('"', '\\"').encode()
