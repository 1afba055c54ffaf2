"""Header blocks: pairs of names and values, deflated with a dictionary that both sides know (SPDY/3, 2.6.10).

One compressor and one decompressor serve all blocks of a connection, in their order on the wire.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from struct import Struct

from component_base.spdy.errors import SpdyError

NUMBER = Struct(">I")
MAX_BLOCK = 1 << 16
_LEVEL = 9

_WORDS = (
    "options,head,post,put,delete,trace,accept,accept-charset,accept-encoding,accept-language,accept-ranges,"
    "age,allow,authorization,cache-control,connection,content-base,content-encoding,content-language,"
    "content-length,content-location,content-md5,content-range,content-type,date,etag,expect,expires,from,"
    "host,if-match,if-modified-since,if-none-match,if-range,if-unmodified-since,last-modified,location,"
    "max-forwards,pragma,proxy-authenticate,proxy-authorization,range,referer,retry-after,server,te,trailer,"
    "transfer-encoding,upgrade,user-agent,vary,via,warning,www-authenticate,method,get,status,200 OK,version,"
    "HTTP/1.1,url,public,set-cookie,keep-alive,origin"
)
_TEXT = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505"
    "203 Non-Authoritative Information204 No Content301 Moved Permanently400 Bad Request"
    "401 Unauthorized403 Forbidden404 Not Found500 Internal Server Error501 Not Implemented"
    "503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec 00:00:00"
    " Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,"
    "application/xml,application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age="
    "gzip,deflate,sdchcharset=utf-8charset=iso-8859-1,utf-,*,enq=0."
)


def _sized(text: bytes) -> bytes:
    return NUMBER.pack(len(text)) + text


DICTIONARY = b"".join(_sized(word.encode()) for word in _WORDS.split(",")) + _TEXT.encode()


class HeaderWriter:
    def __init__(self) -> None:
        self._deflate = zlib.compressobj(_LEVEL, zdict=DICTIONARY)

    def encode(self, headers: Mapping[str, str]) -> bytes:
        pairs = (_sized(text.encode()) for name, value in headers.items() for text in (name.lower(), value))
        plain = NUMBER.pack(len(headers)) + b"".join(pairs)
        return self._deflate.compress(plain) + self._deflate.flush(zlib.Z_SYNC_FLUSH)


class HeaderReader:
    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(zdict=DICTIONARY)

    def decode(self, block: bytes) -> dict[str, str]:
        """Names are lower-case; several values of one are separated by NUL. Raises SpdyError."""
        try:
            plain = self._inflate.decompress(block, MAX_BLOCK)
        except zlib.error as error:
            raise SpdyError(f"a header block cannot be inflated: {error}") from error
        if self._inflate.unconsumed_tail:
            raise SpdyError(f"a header block is larger than {MAX_BLOCK} bytes")
        texts = _texts(plain)
        return dict(zip(texts, texts, strict=True))


def _texts(plain: bytes) -> Iterator[str]:
    """Names and values by turns."""
    [pairs] = _number(plain, 0)
    position = NUMBER.size
    for _ in range(2 * pairs):
        [size] = _number(plain, position)
        start, position = position + NUMBER.size, position + NUMBER.size + size
        if position > len(plain):
            raise SpdyError("a header block ends too soon")
        yield plain[start:position].decode(errors="replace")


def _number(plain: bytes, position: int) -> tuple[int]:
    if len(plain) - position < NUMBER.size:
        raise SpdyError("a header block ends too soon")
    number: tuple[int] = NUMBER.unpack_from(plain, position)
    return number
