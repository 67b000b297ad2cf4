"""A catalogue of any size for measuring: the real items crossed with the real counties.

Every county gets every real item, under codes of an invented body, until the
number asked for is reached. They go the way of every import: lint, staging, COPY.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date
from itertools import islice

from msgspec import structs

from api.catalogue import queries
from api.catalogue.import_services import BATCH_LINES, read_guide
from api.catalogue.lint_guide import lint_guide
from api.catalogue.publish_services import Linted, publish_batch
from api.catalogue.rows import UpperRegion
from api.catalogue.schemas import DepartmentRef, Guide
from api.progress import Advance
from api.seeding import SEEDS_FOLDER
from api.statements import Connection

SOURCE = "measurement"


async def cross_services(connection: Connection, total: int, today: date, advance: Advance) -> str:
    """Publish `total` items; gives a line with the rate. Going on after a stop repeats nothing."""
    counties = [
        region
        for province in await queries.list_provinces(connection)
        for region in await queries.list_upper_regions(connection, code=province.code)
        if region.level == "county"
    ]
    guides = cross(_real_guides(), counties, total)
    began = time.perf_counter()
    done = stored = 0
    while batch := [Linted(g, lint_guide(g, today)) for g in islice(guides, BATCH_LINES)]:
        async with connection.transaction():
            stored += len(
                await publish_batch(connection, batch, publisher="measurement", today=today)
            )
        done += len(batch)
        advance(done, total)
    seconds = time.perf_counter() - began
    await connection.execute("vacuum (analyze) services")
    await connection.execute("analyze")
    return f"{stored:,} items in {seconds:.0f} s, {stored / seconds:,.0f} items a second"


def cross(real: list[Guide], counties: list[UpperRegion], total: int) -> Iterator[Guide]:
    """Guides of one county after the other, the same basic code for the same item everywhere."""
    made = 0
    for county in counties:
        bodies: dict[str, str] = {}
        for number, guide in enumerate(real):
            if made == total:
                return
            made += 1
            body = bodies.setdefault(
                guide.department.name, f"11{county.code[:6]}ZZ{len(bodies):08d}"
            )
            basic = f"00{guide.item_type:0>2}{number:08d}"
            yield structs.replace(
                guide,
                service_code=f"{body}4{basic}",
                basic_code=basic,
                local_code=None,
                region_code=county.code,
                exercise_level="4",
                department=DepartmentRef(body, f"{county.name}{guide.department.name}"[:200]),
                source=SOURCE,
            )


def _real_guides() -> list[Guide]:
    lines = (SEEDS_FOLDER / "service_items.jsonl").read_bytes().splitlines()
    return [guide for line in lines if (guide := read_guide(line)) is not None]
