"""The guide lint: what an editor must mend before citizens may rely on a guide.

`lint_guide` returns findings, never raises: a deviation is a data-quality
finding, not a rejection. Rules 1 to 15 are the rules of the guide lint; rule 0
is "code and completeness", the demand that conditions, limits and materials are
stated at all and that the codes are built as they should be; rule 16 holds the
process to what `api/rules.py` can carry out.

Decisions where the rules leave room:

* Decided on the spot means a promised limit of 0 in any unit, or one of at most
  eight hours (480 minutes), which is one working day at a counter.
* Limits in different units are compared only where the answer is certain. A
  working day lasts at least one calendar day and has no certain upper bound, so
  a promise counted in calendar days is never said to exceed a statute counted
  in working days, while 11 working days do exceed 10 calendar days.
* A phone has an area code (`020-83135078`, `0755-12345678-801`), or is a public
  service hot-line of five digits beginning with 12 (12345, 12329, 12333), which
  is routed by the caller's place and has none, or a nationwide 400 number.
  Mobile numbers, bare local numbers and emergency numbers are refused.
* "Not online" in rule 5 is every depth but IV: at depth III the result or the
  original still has to travel. A wholly online item needs no place (rule 9).
* The sum of step times (rule 12) binds every item; the stages bind licences.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from functools import lru_cache

from msgspec import Struct
from stdnum.cn import uscc

from api.catalogue.lint_process import process_facts
from api.catalogue.lint_words import WORDS
from api.catalogue.schemas import Contact, Guide, Limit, LimitUnit, Material
from api.rules import check_process


class Finding(Struct, frozen=True):
    """One thing to mend.

    `rule` is 0 to 16, `field` a path such as `materials[2].name`, `code` a stable
    snake_case word; `detail` says in Chinese, `detail_en` in English, what to do.
    """

    rule: int
    field: str
    code: str
    detail: str
    detail_en: str


def lint_guide(guide: Guide, today: date) -> list[Finding]:
    """All findings of one guide, in the order of `RULES`; an empty list means clean."""
    return [finding for rule in RULES for finding in rule(guide, today)]


def report(code: str, field: str, **facts: object) -> Finding:
    rule, detail, detail_en = WORDS[code]
    return Finding(rule, field, code, detail.format_map(facts), detail_en.format_map(facts))


def find_broken_codes(guide: Guide, _today: date) -> Iterator[Finding]:
    """Rule 0: department code with its check digit, basic code, composed service code."""
    department, basic = guide.department.code, guide.basic_code
    if not is_credit_code(department):
        yield report("credit_code_invalid", "department.code", value=department)
    if basic is None:
        yield report("basic_code_missing", "basic_code")
        return
    if not BASIC_CODE.fullmatch(basic):
        yield report("basic_code_invalid", "basic_code", value=basic)
    composed = department + guide.exercise_level + basic
    if guide.service_code != composed:
        yield report("service_code_mismatch", "service_code", value=composed)


def find_missing_parts(guide: Guide, _today: date) -> Iterator[Finding]:
    """Rule 0: what every guide states, whatever it is about."""
    if not guide.conditions:
        yield report("conditions_missing", "conditions")
    for index, condition in enumerate(guide.conditions):
        if not condition.strip() or VAGUE_CONDITION.search(condition):
            yield report("vague_condition", f"conditions[{index}]", value=condition)
    if guide.statutory_limit is None:
        yield report("statutory_limit_missing", "statutory_limit")
    if guide.promised_limit is None:
        yield report("promised_limit_missing", "promised_limit")
    if not guide.audience:
        yield report("audience_missing", "audience")
    if guide.handling_type is None:
        yield report("handling_type_missing", "handling_type")
    if not guide.legal_basis:
        yield report("legal_basis_missing", "legal_basis")
    if guide.result is None or not guide.result.name:
        yield report("result_missing", "result.name")


def find_incomplete_materials(guide: Guide, _today: date) -> Iterator[Finding]:
    """Rule 0: each material says necessity, type, form, source, copies and its issuer."""
    for index, material in enumerate(guide.materials):
        if (
            material.necessity is None
            or material.type is None
            or material.form is None
            or material.source is None
            or material.copies is None
        ):
            for part in MATERIAL_PARTS:
                if getattr(material, part) is None:
                    yield report_material(f"material_{part}_missing", index, part, material)
        if material.source not in (None, "applicant") and not material.issuer:
            yield report_material("material_issuer_missing", index, "issuer", material)
        if material.necessity == "conditional" and not material.condition:
            yield report_material("material_condition_missing", index, "condition", material)


def report_material(code: str, index: int, part: str, material: Material) -> Finding:
    return report(code, f"materials[{index}].{part}", name=material.name)


def find_slow_promise(guide: Guide, _today: date) -> Iterator[Finding]:
    """Rule 1: the promise is not longer than the statute."""
    promised, statutory = guide.promised_limit, guide.statutory_limit
    if promised and statutory and exceeds(promised, statutory):
        yield report(
            "promise_exceeds_statute",
            "promised_limit",
            promised=words_of(promised),
            statutory=words_of(statutory),
        )


def find_wrong_handling(guide: Guide, _today: date) -> Iterator[Finding]:
    """Rule 2: instant if and only if decided on the spot."""
    promised = guide.promised_limit
    if promised is None or guide.handling_type is None:
        return
    on_the_spot = is_on_the_spot(promised)
    if guide.handling_type == "instant" and not on_the_spot:
        yield report("instant_not_on_the_spot", "handling_type", promised=words_of(promised))
    if guide.handling_type == "promised" and on_the_spot:
        yield report("on_the_spot_not_instant", "handling_type", promised=words_of(promised))


def find_unsampled_result(guide: Guide, _today: date) -> Iterator[Finding]:
    """Rule 3: a named result has a type and a sample."""
    result = guide.result
    if result is None or not result.name:
        return
    if result.type is None:
        yield report("result_type_missing", "result.type", value=result.name)
    if result.sample is None:
        yield report("result_sample_missing", "result.sample", value=result.name)


def find_unreasoned_visit(guide: Guide, _today: date) -> Iterator[Finding]:
    """Rule 4: visits have a reason, no visits have none."""
    if guide.visits is None:
        yield report("visits_missing", "visits")
    elif guide.visits and not guide.visit_reason:
        yield report("visit_reason_missing", "visit_reason", value=guide.visits)
    elif not guide.visits and guide.visit_reason:
        yield report("visit_reason_without_visit", "visit_reason")


def find_unreachable_result(guide: Guide, _today: date) -> Iterator[Finding]:
    """Rule 5: no visit and not wholly online needs a courier."""
    if guide.visits == 0 and guide.online.depth != "IV" and not guide.online.courier:
        yield report("courier_missing", "online.courier")


def find_visit_despite_online(guide: Guide, _today: date) -> Iterator[Finding]:
    """Rule 6: wholly online means no visit."""
    if guide.online.depth == "IV" and guide.visits:
        yield report("visit_despite_wholly_online", "visits", value=guide.visits)


def find_unfounded_fee(guide: Guide, _today: date) -> Iterator[Finding]:
    """Rule 7: a charge has items, standards and basis; no charge, no online payment."""
    if not guide.charged:
        if guide.online.payment:
            yield report("payment_without_charge", "online.payment")
        if guide.fees:
            yield report("fees_without_charge", "fees")
        return
    if not guide.fees:
        yield report("fees_missing", "fees")
    for index, fee in enumerate(guide.fees):
        field = f"fees[{index}]"
        if not fee.standard:
            yield report("fee_standard_missing", f"{field}.standard", name=fee.item)
        if not fee.basis:
            yield report("fee_basis_missing", f"{field}.basis", name=fee.item)
        if fee.reducible and not fee.reduction_basis:
            yield report("fee_reduction_basis_missing", f"{field}.reduction_basis", name=fee.item)


def find_unusable_phones(guide: Guide, _today: date) -> Iterator[Finding]:
    """Rule 8: enquiry and complaint phones are present, different, with area code."""
    enquiry, complaint = phone_of(guide.enquiry), phone_of(guide.complaint)
    for name, phone in (("enquiry", enquiry), ("complaint", complaint)):
        if not phone:
            yield report(f"{name}_phone_missing", f"{name}.phone")
        elif not PHONE.fullmatch(phone):
            yield report("phone_without_area_code", f"{name}.phone", value=phone)
    if enquiry and NOT_A_DIGIT.sub("", enquiry) == NOT_A_DIGIT.sub("", complaint):
        yield report("phones_identical", "complaint.phone")


def phone_of(contact: Contact | None) -> str:
    return (contact.phone if contact else None) or ""


def find_vague_places(guide: Guide, _today: date) -> Iterator[Finding]:
    """Rule 9: hours mention working days, the address reaches a window or a door."""
    if not guide.places and guide.online.depth != "IV":
        yield report("places_missing", "places")
    for index, place in enumerate(guide.places):
        if not place.hours or not WORKING_DAYS.search(place.hours):
            yield report("hours_without_working_days", f"places[{index}].hours", name=place.name)
        if not place.window and not DOOR.search(place.address):
            yield report("address_too_coarse", f"places[{index}].address", value=place.address)


def find_foreign_themes(guide: Guide, _today: date) -> Iterator[Finding]:
    """Rule 10: each audience has a theme class, and no class lacks its audience."""
    audience = guide.audience
    if not audience:
        return
    for served, words, field, themes in (
        ("natural_person" in audience, "自然人", "person_themes", guide.person_themes),
        ("legal_person" in audience, "法人", "organisation_themes", guide.organisation_themes),
    ):
        if served and not themes:
            yield report("audience_without_theme", field, value=words)
        if themes and not served:
            yield report("theme_without_audience", field, value=words)


def find_unexplained_licence(guide: Guide, _today: date) -> Iterator[Finding]:
    """Rule 11: a licence has at least one question and answer."""
    if guide.item_type == LICENCE and not guide.faqs:
        yield report("faq_missing", "faqs")


def find_broken_steps(guide: Guide, _today: date) -> Iterator[Finding]:
    """Rule 12: a licence names its five stages; the steps fit into the promise."""
    if guide.item_type == LICENCE:
        stages = {step.stage for step in guide.steps}
        for stage, words in LICENCE_STAGES.items():
            if stage not in stages:
                yield report("licence_stage_missing", "steps", value=words)
    promised = guide.promised_limit
    days = sum([step.limit_days or 0 for step in guide.steps])
    if days and promised and exceeds(Limit(days), promised):
        yield report("steps_exceed_promise", "steps", value=days, promised=words_of(promised))


def find_vague_materials(guide: Guide, _today: date) -> Iterator[Finding]:
    """Rule 13: no catch-all among the materials."""
    for index, material in enumerate(guide.materials):
        if VAGUE_MATERIAL.search(material.name):
            yield report_material("vague_material", index, "name", material)


def find_unfilled_forms(guide: Guide, _today: date) -> Iterator[Finding]:
    """Rule 14: a form comes with a blank form and a filled sample."""
    for index, material in enumerate(guide.materials):
        if material.is_form:
            if material.blank_form is None:
                yield report_material("blank_form_missing", index, "blank_form", material)
            if material.sample is None:
                yield report_material("filled_sample_missing", index, "sample", material)
        elif material.source == "applicant" and FORM_NAME.search(material.name):
            yield report_material("form_not_marked", index, "is_form", material)


def find_stale_guide(guide: Guide, today: date) -> Iterator[Finding]:
    """Rule 15: somebody assured the guide within the last twelve months."""
    assured = guide.assured_on
    if assured is None:
        yield report("never_assured", "assured_on")
    elif assured > today:
        yield report("assured_in_future", "assured_on", value=assured)
    elif (today.year - assured.year, today.month, today.day) > (1, assured.month, assured.day):
        yield report("stale", "assured_on", value=assured)


def find_unsound_process(guide: Guide, _today: date) -> Iterator[Finding]:
    """Rule 16: form, steps, payment and decision tables fit together and can be carried out."""
    if guide.process is not None:
        for fault in check_process(guide.process, process_facts(guide)):
            yield Finding(16, fault.field, fault.code, fault.detail, fault.detail_english)


RULES: tuple[Callable[[Guide, date], Iterator[Finding]], ...] = (
    find_broken_codes,
    find_missing_parts,
    find_incomplete_materials,
    find_slow_promise,
    find_wrong_handling,
    find_unsampled_result,
    find_unreasoned_visit,
    find_unreachable_result,
    find_visit_despite_online,
    find_unfounded_fee,
    find_unusable_phones,
    find_vague_places,
    find_foreign_themes,
    find_unexplained_licence,
    find_broken_steps,
    find_vague_materials,
    find_unfilled_forms,
    find_stale_guide,
    find_unsound_process,
)


def is_on_the_spot(limit: Limit) -> bool:
    return limit.value == 0 or limit.value <= ON_THE_SPOT.get(limit.unit, 0)


def exceeds(promised: Limit, allowed: Limit) -> bool:
    """Whether `promised` is certainly longer than `allowed`."""
    if promised.unit == allowed.unit:
        return promised.value > allowed.value
    if allowed.value == 0:
        return not is_on_the_spot(promised)
    if allowed.unit == "working_day":
        return False
    return promised.value * MINUTES[promised.unit] > allowed.value * MINUTES[allowed.unit]


def words_of(limit: Limit) -> str:
    return f"{limit.value}{UNIT_WORDS[limit.unit]}"


@lru_cache(maxsize=65536)
def is_credit_code(code: str) -> bool:
    """Whether the unified social credit code stands its check; few bodies, many items."""
    return bool(uscc.is_valid(code))


LICENCE = "1"
LICENCE_STAGES = {
    "acceptance": "受理",
    "review": "审查",
    "decision": "决定",
    "completion": "办结",
    "delivery": "送达",
}
MATERIAL_PARTS = ("necessity", "type", "form", "source", "copies")
ON_THE_SPOT: dict[LimitUnit, int] = {"hour": 8, "minute": 480}
MINUTES: dict[LimitUnit, int] = {"working_day": 1440, "calendar_day": 1440, "hour": 60, "minute": 1}
UNIT_WORDS: dict[LimitUnit, str] = {
    "working_day": "个工作日",
    "calendar_day": "个自然日",
    "hour": "小时",
    "minute": "分钟",
}

BASIC_CODE = re.compile(r"[0-9]{12}")
PHONE = re.compile(
    r"[(（]?0[0-9]{2,3}[)）]?[-－— ]?(?:[0-9]{7,8}|12[0-9]{3})(?:[-－转][0-9]{1,6})?"
    r"|12[0-9]{3}"
    r"|400[-－ ]?[0-9]{3,4}[-－ ]?[0-9]{3,4}"
)
NOT_A_DIGIT = re.compile(r"[^0-9]+")
WORKING_DAYS = re.compile(r"工作日|周一|星期一|周[1一]|每[天日]|全年无休|全天|24小时")
DOOR = re.compile(r"窗|[室柜]|[0-9０-９一二三四五六七八九十百甲乙丙]号|门牌")
FORM_NAME = re.compile(r"(?:申请|登记|报名|备案|申领|审批)[表书](?:[（(][^）)]*[）)])?$")
VAGUE_CONDITION = re.compile(
    r"^(?:其[他它](?:相关|有关)?(?:条件|要求)|符合(?:相关|有关)(?:规定|条件|要求)|无|详见.*)[。；]?$"
)
# 高等, 中等, 同等 and 等级, 等额, 等效 hold the same character without leaving anything open.
VAGUE_MATERIAL = re.compile(
    r"其[他它](?:的)?(?:需要|需|应当|应|必要|必需|所需|相关|有关|规定|提交|提供|补充|辅助|的)*"
    r"(?:材料|资料|文件|证件|证明|手续)"
    r"|(?:相关|有关|必要的?|所需的?|需要的)(?:的)?(?:证明)?(?:材料|资料|文件|证件|证明|手续)"
    r"|(?:相关|有关)(?:部门|单位|机构)"
    r"|(?<![高初中平优])等(?:等|[)）。；;，,\s…]*$|[)）]|(?![级额效]|学[力历])"
    r"[^，。；、（）()]{0,9}(?:材料|资料|文件|证件|证明|手续)(?:原件|复印件)?[。；;]?$)"
    r"|视(?:具体)?情况(?:而定|提供|提交)"
)
