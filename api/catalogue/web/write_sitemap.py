"""The sitemap and robots.txt (https://www.sitemaps.org/protocol.html 0.9, RFC 9309).

The index names parts; a part holds at most 50,000 addresses and 50 MiB, which 10,000
addresses of some 130 bytes stay far below. Moments are W3C dates with their zone.
"""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape

from api.catalogue.rows import SitemapEntry, SitemapPart

PART_LIMIT = 50_000

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NAMESPACE = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def write_index(public_url: str, parts: Iterable[SitemapPart]) -> bytes:
    """The sitemap index as XML; each part is `/sitemap.xml?part=number`."""
    address = escape(public_url)
    lines = [
        f"<sitemap><loc>{address}/sitemap.xml?part={part.part}</loc>"
        f"<lastmod>{part.updated_at.isoformat(timespec='seconds')}</lastmod></sitemap>\n"
        for part in parts
    ]
    return _document("sitemapindex", lines)


def write_part(public_url: str, entries: Iterable[SitemapEntry]) -> bytes:
    """The page addresses of a part as XML. Raises ValueError above 50,000 of them."""
    address = escape(public_url)
    lines = [
        f"<url><loc>{address}/services/{entry.service_code}</loc>"
        f"<lastmod>{entry.updated_at.isoformat(timespec='seconds')}</lastmod></url>\n"
        for entry in entries
    ]
    return _document("urlset", lines)


def write_robots(public_url: str) -> str:
    """robots.txt: pages and the forms they link may be read, the rest of the interface not."""
    return (
        "User-agent: *\nAllow: /services/\nAllow: /v1/services/*/materials/\nDisallow: /v1/\n\n"
        f"Sitemap: {public_url}/sitemap.xml\n"
    )


def _document(root: str, lines: list[str]) -> bytes:
    if len(lines) > PART_LIMIT:
        raise ValueError(f"{len(lines)} addresses; a sitemap holds at most {PART_LIMIT}")
    return f"{_HEAD}<{root} {_NAMESPACE}>\n{''.join(lines)}</{root}>\n".encode()
