"""The catalogue's seeds: synonyms, the demonstration town with its forms, the real items."""

from __future__ import annotations

import csv
from datetime import date, timedelta

import msgspec
from msgspec import structs

from api.catalogue import queries
from api.catalogue.demonstration.draw_forms import draw_blank_form, draw_result_sample, draw_sample
from api.catalogue.demonstration.plant_demonstration import (
    Region,
    plant_demonstration,
    plant_offices,
)
from api.catalogue.demonstration.read_demonstration import (
    PROVINCE,
    read_items,
    read_life_events,
    read_notices,
)
from api.catalogue.import_services import BATCH_LINES, import_file
from api.catalogue.lint_guide import lint_guide
from api.catalogue.publish_services import Linted, publish_batch
from api.catalogue.schemas import FileReference, Guide
from api.files import DOCX, PDF, Files
from api.progress import Advance
from api.seeding import SEEDS_FOLDER, Ground, Seed

_ITEMS = SEEDS_FOLDER / "service_items.jsonl"


async def plant_synonyms(ground: Ground, _advance: Advance) -> str:
    """What people say, from the editable table; phrases edited in the database stay."""
    with (SEEDS_FOLDER / "synonyms.csv").open(encoding="utf-8", newline="") as file:
        lines = [line for line in csv.DictReader(file) if line["phrase"]]
    await queries.store_synonyms(
        ground.connection,
        phrases=[line["phrase"].strip() for line in lines],
        means=[line["means"].strip() for line in lines],
        notes=[line.get("note") or "" for line in lines],
    )
    return f"{len(lines)} phrases"


async def plant_real_items(ground: Ground, advance: Advance) -> str:
    """The real items; what they lack becomes findings."""
    done = await import_file(ground.connection, _ITEMS, today=date.today(), progress=advance)
    return f"{done.kept} items, {done.refused} lines refused"


async def plant_town(ground: Ground, advance: Advance) -> str:
    """Items of every demonstration body, with forms to download, offices, notices, life events."""
    rows = await queries.list_upper_regions(ground.connection, code=PROVINCE)
    regions: list[Region] = [(r.code, r.name, r.level, r.parent_code) for r in rows]
    today = date.today()
    drawn = await _draw_files(ground.files, regions, today, advance)
    guides = list(
        plant_demonstration(
            regions,
            lambda code, material: drawn[code, material.material_id],
            lambda code, _result: drawn[code, ""][0],
            today,
        )
    )
    for start in range(0, len(guides), BATCH_LINES):
        batch = [Linted(g, lint_guide(g, today)) for g in guides[start : start + BATCH_LINES]]
        async with ground.connection.transaction():
            await publish_batch(ground.connection, batch, publisher="demonstration", today=today)
        advance(min(start + BATCH_LINES, len(guides)), len(guides))
    await _plant_around(ground, regions, today)
    await ground.connection.execute("analyze")
    return f"{len(guides)} items of {len(read_items())} kinds in {len(regions)} places"


Drawn = dict[tuple[str, str], tuple[FileReference, FileReference]]


async def _draw_files(files: Files, regions: list[Region], today: date, advance: Advance) -> Drawn:
    """Draw the forms and samples of each kind of item once, and keep them."""
    drawn: Drawn = {}
    patterns = _patterns(regions, today)
    for number, guide in enumerate(patterns, start=1):
        code = guide.basic_code or ""
        for material in guide.materials:
            if material.is_form:
                drawn[code, material.material_id] = (
                    await _keep(
                        files, f"{material.name}.docx", DOCX, draw_blank_form(guide, material)
                    ),
                    await _keep(
                        files, f"{material.name}（样表）.pdf", PDF, draw_sample(guide, material)
                    ),
                )
        result = guide.result.name if guide.result else guide.name
        sample = await _keep(files, f"{result}（样本）.pdf", PDF, draw_result_sample(guide))
        drawn[code, ""] = (sample, sample)
        advance(number, len(patterns))
    return drawn


def _patterns(regions: list[Region], today: date) -> list[Guide]:
    """One guide of each kind, with empty places where its files will be.

    A drawing serves every place, so its body is named without one.
    """
    empty = FileReference("-", PDF, 0, "0" * 64)
    names = {code: name for code, name, _, _ in regions}
    first: dict[str, Guide] = {}
    for guide in plant_demonstration(regions, lambda *_: (empty, empty), lambda *_: empty, today):
        body = guide.department
        name = "办理地" + body.name.removeprefix(names[guide.region_code])
        first.setdefault(
            guide.basic_code or "",
            structs.replace(guide, department=structs.replace(body, name=name)),
        )
    return list(first.values())


async def _keep(files: Files, name: str, media_type: str, content: bytes) -> FileReference:
    return FileReference(name, media_type, len(content), await files.keep(content))


async def _plant_around(ground: Ground, regions: list[Region], today: date) -> None:
    offices = msgspec.json.encode(list(plant_offices(regions))).decode()
    await queries.store_offices(ground.connection, offices=offices)
    notices = [
        {
            "region_code": n.region_code,
            "title": n.title,
            "body": n.body,
            "published_on": today - timedelta(days=n.days_ago),
        }
        for n in read_notices()
    ]
    await queries.store_home_notices(
        ground.connection, notices=msgspec.json.encode(notices).decode()
    )
    events = [
        {**msgspec.to_builtins(event), "position": position}
        for position, event in enumerate(read_life_events(), start=1)
    ]
    await queries.store_life_events(
        ground.connection, life_events=msgspec.json.encode(events).decode()
    )


SEEDS = (
    Seed("synonyms", "同义词 Synonyms", ("synonyms.csv",), plant_synonyms),
    Seed("town", "演示城市 Demonstration town", ("demonstration",), plant_town),
    Seed("real-items", "真实事项 Real service items", ("service_items.jsonl",), plant_real_items),
)
