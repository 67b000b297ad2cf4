"""uvicorn's HTTP/1.1 protocol with two manners of our own at the edge of the wire.

People type Chinese into an address as it is; browsers encode it, `curl` and simple
clients do not. Bytes outside ASCII in a request line are percent-encoded before the
parser, which would refuse them. And what the parser refuses is answered as
problem+json, like every other mistake.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote_from_bytes

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.errors import MEDIA_TYPE, BadRequest, render

AT_SHUTDOWN: set[Callable[[], None]] = set()
"""Called when the server begins to shut down, by what answers without end; perhaps repeatedly."""

_VERSIONS = (b" HTTP/1.1", b" HTTP/1.0")
_SAFE = "".join(map(chr, range(0x21, 0x7F))) + " "


class Protocol(HttpToolsProtocol):
    """One connection."""

    def data_received(self, data: bytes) -> None:
        if not data.isascii() and (self.cycle is None or self.cycle.response_complete):
            line, end, rest = data.partition(b"\r\n")
            if line.endswith(_VERSIONS) and not line.isascii():
                data = quote_from_bytes(line, safe=_SAFE).encode() + end + rest
        super().data_received(data)

    def shutdown(self) -> None:
        for told in tuple(AT_SHUTDOWN):
            told()
        super().shutdown()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 (the parser's words stay here)
        body = render(BadRequest(), request_id=None, english=False)
        self.transport.write(
            b"HTTP/1.1 400 Bad Request\r\n"
            b"content-type: " + MEDIA_TYPE.encode() + b"\r\n"
            b"content-length: " + str(len(body)).encode() + b"\r\n"
            b"cache-control: no-store\r\n"
            b"connection: close\r\n\r\n" + body
        )
        self.transport.close()
