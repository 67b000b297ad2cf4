"""The demonstration town: complete guides for one province, expanded from templates.

Pure: reads the JSON under `sql/seeds/demonstration`, knows no database, and gives
the same output for the same regions and day. Templates carry what a service asks
of people; regions, departments, offices, phones and codes are filled in here.

Nothing here can be taken for a real body or number:

* Departments and offices end in （演示）, every guide says `demonstration` and its source.
* Department codes are unified social credit codes (GB 32100) whose organisation
  part (GB 11714) begins with `DM`; GB 32100 leaves out the letters I, O, S, V and Z.
* Phones are `0000-88xxxxxx`. They have the shape of an area code with eight digits,
  but `00` is the prefix of calls abroad and no country code begins with 0, so the
  number can ring nowhere. Enquiry numbers are even, complaint numbers odd.
* Web addresses lie under `.example` (RFC 2606).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from functools import cache
from typing import Any
from zlib import crc32

import msgspec
from msgspec import Struct, structs
from stdnum.cn import uscc

from api.catalogue.demonstration.plant_processes import prepare_process
from api.catalogue.demonstration.read_demonstration import (
    PROVINCE,
    Department,
    ItemTemplate,
    ProcessTemplate,
    Shared,
    StepTemplate,
    read_centres,
    read_departments,
    read_items,
    read_processes,
    read_shared,
)
from api.catalogue.schemas import (
    Contact,
    DepartmentRef,
    ExerciseLevel,
    Faq,
    FileReference,
    Guide,
    ItemType,
    LegalBasis,
    Limit,
    Material,
    Place,
    Result,
    Step,
)

Region = tuple[str, str, str, str | None]
"""Code of 12 digits, name, level (`province`, `city`, `county`), code of the parent."""
Attach = Callable[[str, Material], tuple[FileReference, FileReference]]
"""From basic code and form to its blank form and its filled sample."""
AttachResult = Callable[[str, Result], FileReference]
"""From basic code and result to the sample of the result."""

LEVELS: dict[str, ExerciseLevel] = {"province": "2", "city": "3", "county": "4"}


class Office(Struct, frozen=True):
    """A government service centre; coordinates are invented near the city's centre (WGS 84)."""

    office_id: str
    name: str
    region_code: str
    address: str
    latitude: float
    longitude: float
    hours: str
    windows: list[str]
    phone: str


def plant_demonstration(
    regions: Iterable[Region],
    attach: Attach,
    attach_result: AttachResult,
    today: date,
) -> Iterator[Guide]:
    """Every demonstration guide: each template once in each region of its level.

    A city without counties (东莞, 中山) does its counties' work itself, at city level.
    Regions outside the demonstration province and below the county are passed over.
    `attach` and `attach_result` are asked once for each template, not for each region.
    """
    shared, departments = read_shared(), read_departments()
    places = list(choose_regions(regions))
    processes = read_processes()
    for item in read_items():
        process = processes.get(item.basic_code)
        pattern = prepare_guide(item, process, shared, attach, attach_result)
        department = departments[item.department]
        for region, levels in list_duties(places):
            if item.level in levels:
                yield settle_guide(pattern, department, shared, region, today)


def list_duties(places: list[Region]) -> Iterator[tuple[Region, tuple[str, ...]]]:
    """Each region with the levels of items it handles."""
    parents = {parent for _, _, level, parent in places if level == "county"}
    for region in places:
        code, _, level, _ = region
        if level == "city" and code not in parents:
            yield region, (LEVELS["city"], LEVELS["county"])
        else:
            yield region, (LEVELS[level],)


def choose_regions(regions: Iterable[Region]) -> Iterator[Region]:
    """The regions of the demonstration province with a GB/T 2260 code of their own.

    The statistical list repeats a city without counties as its own county: left out.
    """
    for region in regions:
        code, _, level, parent = region
        ours = code[:2] == PROVINCE[:2] and code.endswith("000000")
        if ours and level in LEVELS and code != parent:
            yield region


def prepare_guide(
    item: ItemTemplate,
    process: ProcessTemplate | None,
    shared: Shared,
    attach: Attach,
    attach_result: AttachResult,
) -> Guide:
    """The part of a guide that is the same everywhere, as a guide without a place."""
    minutes = item.promised_minutes
    promised = Limit(item.promised) if minutes is None else Limit(minutes, "minute")
    result_type, result_name = item.result
    result = msgspec.convert({"type": result_type, "name": result_name}, Result)
    reason = item.visit_reason
    online = shared.online[item.online]
    steps = spread_steps(shared.steps[item.steps], item.promised)
    return Guide(
        service_code="0" * 31,
        region_code=PROVINCE,
        department=DepartmentRef("0" * 18, item.department),
        name=item.name,
        item_type=read_item_type(item.basic_code),
        exercise_level=item.level,
        basic_code=item.basic_code,
        effective_on=shared.effective_on,
        legal_basis=[LegalBasis(title) for title in item.basis],
        power_source="statutory",
        statutory_limit=Limit(item.statutory),
        promised_limit=promised,
        conditions=item.conditions,
        steps=steps,
        special_procedures=item.special,
        charged=bool(item.fees),
        fees=item.fees,
        audience=item.audience,
        handling_type="promised" if item.promised else "instant",
        visits=item.visits,
        visit_reason=shared.visit_reasons[reason] if reason else None,
        online=structs.replace(online, payment=bool(item.fees)),
        region_scope=item.scope,
        result=structs.replace(result, sample=attach_result(item.basic_code, result)),
        person_themes=item.person_themes,
        organisation_themes=item.organisation_themes,
        materials=[
            prepare_material(item.basic_code, number, part, shared, attach)
            for number, part in enumerate(item.materials, start=1)
        ],
        faqs=[Faq(question, answer) for question, answer in item.faqs],
        daily_appointment_quota=shared.daily_appointment_quota if online.appointment else None,
        keywords=item.keywords,
        process=prepare_process(process, steps, instant=not item.promised) if process else None,
        demonstration=True,
        source=shared.source,
        licence=shared.licence,
    )


def read_item_type(basic_code: str) -> ItemType:
    item_type: ItemType = msgspec.convert(str(int(basic_code[2:4])), ItemType)
    return item_type


def prepare_material(
    basic_code: str, number: int, part: dict[str, Any], shared: Shared, attach: Attach
) -> Material:
    """A template's material over the shared part it names; one original unless it says more."""
    fields = {"necessity": "required", "copies": 1, **shared.materials[part["use"]], **part}
    del fields["use"]
    fields["material_id"] = f"m{number}"
    material = msgspec.convert(fields, Material)
    if material.is_form:
        blank_form, sample = attach(basic_code, material)
        material = structs.replace(material, blank_form=blank_form, sample=sample)
    return material


def spread_steps(templates: list[StepTemplate], days: int) -> list[Step]:
    """Steps whose times add up to exactly `days` working days, by their weights."""
    total = sum(template.weight for template in templates)
    steps, weight, given = [], 0, 0
    for template in templates:
        weight += template.weight
        reached = days * weight // total if total else 0
        limit, given = reached - given, reached
        steps.append(Step(template.name, template.stage, template.actor, limit, template.note))
    return steps


def settle_guide(
    pattern: Guide, department: Department, shared: Shared, region: Region, today: date
) -> Guide:
    """The pattern in one region: codes, body, place, phones and day of assurance."""
    code, name, level_name, _ = region
    level = LEVELS[level_name]
    department_code = mint_department_code(department.number, code)
    service_code = f"{department_code}{level}{pattern.basic_code}"
    address = shared.address.format(region=name, window=department.window)
    enquiry, complaint = invent_phones(department.number, code)
    links = {"service_code": service_code}
    return structs.replace(
        pattern,
        service_code=service_code,
        region_code=code,
        exercise_level=level,
        department=name_department(department, code, name),
        online=structs.replace(
            pattern.online,
            web_address=shared.web_address.format_map(links),
            mobile_address=shared.mobile_address.format_map(links),
        ),
        places=[
            Place(
                shared.office_name.format(region=name),
                address,
                f"{department.window}窗口",
                shared.hours,
                enquiry,
            )
        ],
        enquiry=Contact(enquiry, address),
        complaint=Contact(complaint, address),
        review_contact=Contact(address=shared.review_address.format(region=name)),
        litigation_contact=Contact(address=shared.litigation_address.format(region=name)),
        assured_on=today - timedelta(days=crc32(service_code.encode()) % 27 + 1),
    )


def name_department(department: Department, region_code: str, region_name: str) -> DepartmentRef:
    """The body as guides refer to it; provinces call their bodies by other names."""
    title = department.province if region_code == PROVINCE else department.short
    return DepartmentRef(
        mint_department_code(department.number, region_code),
        f"{region_name}{title}（演示）",
        department.nature,
    )


@cache
def mint_department_code(number: int, region_code: str) -> str:
    """A unified social credit code of 18 characters for a body that does not exist.

    Registration authority 1, category 1, region 6, organisation code 9, check 1.
    The organisation code is `DM`, region and number in base 31, and its own check
    character (GB 11714), so that no two bodies share one.
    """
    value = int(region_code[:6]) * 100 + number
    body = ""
    for _ in range(6):
        value, digit = divmod(value, 31)
        body = BASE_31[digit] + body
    organisation = f"DM{body}"
    code = f"11{region_code[:6]}{organisation}{check_organisation(organisation)}"
    return f"{code}{uscc.calc_check_digit(code)}"


def check_organisation(body: str) -> str:
    """The check character of GB 11714 over eight characters: digits, or letters from A = 10."""
    total = sum(
        weight * int(character, 36)
        for weight, character in zip(ORGANISATION_WEIGHTS, body, strict=True)
    )
    return "0X987654321"[total % 11]


def invent_phones(number: int, region_code: str) -> tuple[str, str]:
    """Enquiry and complaint numbers of a body: impossible ones, and different."""
    seed = crc32(f"{region_code}/{number}".encode()) % 500_000 * 2
    return f"0000-88{seed:06d}", f"0000-88{seed + 1:06d}"


def plant_offices(regions: Iterable[Region]) -> Iterator[Office]:
    """One office for each region of the demonstration province."""
    shared, departments = read_shared(), read_departments()
    centres = read_centres()
    windows = [department.window for department in departments.values()]
    for code, name, _, _ in choose_regions(regions):
        latitude, longitude = locate_office(code, centres)
        yield Office(
            office_id=f"office-{code[:6]}",
            name=shared.office_name.format(region=name),
            region_code=code,
            address=shared.address.format(region=name, window="综合服务"),
            latitude=latitude,
            longitude=longitude,
            hours=shared.hours,
            windows=windows,
            phone=invent_phones(0, code)[0],
        )


def locate_office(region_code: str, centres: dict[str, tuple[float, float]]) -> tuple[float, float]:
    """The city's approximate centre, moved up to 0.12 degrees for a county."""
    city = f"{region_code[:4]}00000000"
    latitude, longitude = centres.get(city, centres[PROVINCE])
    if region_code in centres:
        return latitude, longitude
    seed = crc32(region_code.encode())
    return (
        round(latitude + (seed % 241 - 120) / 1000, 4),
        round(longitude + (seed // 241 % 241 - 120) / 1000, 4),
    )


def list_departments(regions: Iterable[Region]) -> Iterator[tuple[str, DepartmentRef]]:
    """Region code and body, for each region and each body with an item at its level."""
    departments = read_departments()
    used = {(item.level, item.department) for item in read_items()}
    for (code, name, _, _), levels in list_duties(list(choose_regions(regions))):
        for department in departments.values():
            if any((level, department.key) in used for level in levels):
                yield code, name_department(department, code, name)


BASE_31 = "0123456789ABCDEFGHJKLMNPQRTUWXY"
ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
