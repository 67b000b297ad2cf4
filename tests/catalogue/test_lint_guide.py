"""The guide lint: the clean guide is silent, every rule speaks when it is broken."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from timeit import repeat
from typing import Any

import pytest
from msgspec import structs

from api.catalogue.lint_guide import RULES, Finding, exceeds, lint_guide
from api.catalogue.lint_words import RULE_TITLES, WORDS
from api.catalogue.schemas import (
    Contact,
    DepartmentRef,
    Faq,
    Fee,
    FileReference,
    Guide,
    LegalBasis,
    Limit,
    Material,
    Online,
    Place,
    Result,
    Step,
)
from api.processes import FormField, PaymentDue, Process

TODAY = date(2026, 11, 22)
FILE = FileReference("申请表.pdf", "application/pdf", 1024, "a" * 64)
FEE = Fee("工本费", "每证40元", "收费标准的规定", 4000)
FORM = Material(
    "m1",
    "经营许可申请表",
    necessity="required",
    type="original",
    form="paper",
    source="applicant",
    copies=1,
    is_form=True,
    blank_form=FILE,
    sample=FILE,
)
IDENTITY_CARD = Material(
    "m2",
    "居民身份证",
    necessity="conditional",
    condition="本人到场的提供",
    type="copy",
    form="electronic",
    source="government",
    issuer="公安机关",
    copies=1,
)
CLEAN = Guide(
    service_code="11440000006939756B2440101007000",
    name="经营许可",
    item_type="1",
    region_code="440000000000",
    exercise_level="2",
    department=DepartmentRef("11440000006939756B", "广东省某厅"),
    basic_code="440101007000",
    legal_basis=[LegalBasis("中华人民共和国行政许可法")],
    statutory_limit=Limit(20),
    promised_limit=Limit(5),
    conditions=["已经取得营业执照"],
    steps=[
        Step("受理", "acceptance", limit_days=1),
        Step("审查", "review", limit_days=2),
        Step("决定", "decision", limit_days=1),
        Step("办结", "completion", limit_days=1),
        Step("送达", "delivery"),
    ],
    charged=True,
    fees=[FEE],
    audience=["natural_person"],
    handling_type="promised",
    visits=0,
    places=[Place("政务服务中心", "广东大道88号一楼", "A12窗口", "工作日9:00—17:00")],
    enquiry=Contact("020-83135078"),
    complaint=Contact("12345"),
    online=Online(depth="III", courier=True, payment=True),
    result=Result("certificate", "经营许可证", FILE),
    person_themes=["就业创业"],
    materials=[FORM, IDENTITY_CARD],
    faqs=[Faq("多久能拿证？", "五个工作日。")],
    assured_on=date(2026, 11, 1),
)


def changed(**fields: Any) -> Guide:
    return structs.replace(CLEAN, **fields)


def with_material(**fields: Any) -> Guide:
    return changed(materials=[FORM, structs.replace(IDENTITY_CARD, **fields)])


def with_form(**fields: Any) -> Guide:
    return changed(materials=[structs.replace(FORM, **fields)])


def with_place(**fields: Any) -> Guide:
    return changed(places=[structs.replace(CLEAN.places[0], **fields)])


def with_online(**fields: Any) -> Online:
    return structs.replace(CLEAN.online, **fields)


def found(guide: Guide) -> list[tuple[int, str, str]]:
    return [(finding.rule, finding.code, finding.field) for finding in lint_guide(guide, TODAY)]


def test_the_clean_guide_has_no_findings() -> None:
    assert lint_guide(CLEAN, TODAY) == []


BROKEN: list[tuple[Guide, int, str, str]] = [
    (
        changed(
            department=DepartmentRef("11440000006939756C", "某厅"),
            service_code="11440000006939756C2440101007000",
        ),
        0,
        "credit_code_invalid",
        "department.code",
    ),
    (changed(basic_code=None), 0, "basic_code_missing", "basic_code"),
    (
        changed(basic_code="44010100700A", service_code="11440000006939756B244010100700A"),
        0,
        "basic_code_invalid",
        "basic_code",
    ),
    (changed(exercise_level="3"), 0, "service_code_mismatch", "service_code"),
    (changed(conditions=[]), 0, "conditions_missing", "conditions"),
    (changed(conditions=["符合相关规定"]), 0, "vague_condition", "conditions[0]"),
    (changed(conditions=["年满十八周岁", " "]), 0, "vague_condition", "conditions[1]"),
    (changed(statutory_limit=None), 0, "statutory_limit_missing", "statutory_limit"),
    (changed(promised_limit=None), 0, "promised_limit_missing", "promised_limit"),
    (changed(audience=[]), 0, "audience_missing", "audience"),
    (changed(handling_type=None), 0, "handling_type_missing", "handling_type"),
    (changed(legal_basis=[]), 0, "legal_basis_missing", "legal_basis"),
    (changed(result=None), 0, "result_missing", "result.name"),
    (with_material(necessity=None), 0, "material_necessity_missing", "materials[1].necessity"),
    (with_material(type=None), 0, "material_type_missing", "materials[1].type"),
    (with_material(form=None), 0, "material_form_missing", "materials[1].form"),
    (with_material(source=None), 0, "material_source_missing", "materials[1].source"),
    (with_material(copies=None), 0, "material_copies_missing", "materials[1].copies"),
    (with_material(issuer=None), 0, "material_issuer_missing", "materials[1].issuer"),
    (with_material(condition=None), 0, "material_condition_missing", "materials[1].condition"),
    (changed(statutory_limit=Limit(4)), 1, "promise_exceeds_statute", "promised_limit"),
    (changed(handling_type="instant"), 2, "instant_not_on_the_spot", "handling_type"),
    (
        changed(
            promised_limit=Limit(30, "minute"), steps=[Step(s.name, s.stage) for s in CLEAN.steps]
        ),
        2,
        "on_the_spot_not_instant",
        "handling_type",
    ),
    (changed(result=Result(None, "许可证", FILE)), 3, "result_type_missing", "result.type"),
    (changed(result=Result("certificate", "许可证")), 3, "result_sample_missing", "result.sample"),
    (changed(visits=None), 4, "visits_missing", "visits"),
    (changed(visits=1), 4, "visit_reason_missing", "visit_reason"),
    (changed(visit_reason="核验原件"), 4, "visit_reason_without_visit", "visit_reason"),
    (changed(online=with_online(courier=False)), 5, "courier_missing", "online.courier"),
    (
        changed(online=with_online(depth="IV"), visits=1, visit_reason="核验原件"),
        6,
        "visit_despite_wholly_online",
        "visits",
    ),
    (changed(charged=False, fees=[]), 7, "payment_without_charge", "online.payment"),
    (changed(charged=False, online=with_online(payment=False)), 7, "fees_without_charge", "fees"),
    (changed(fees=[]), 7, "fees_missing", "fees"),
    (
        changed(fees=[structs.replace(FEE, standard=None)]),
        7,
        "fee_standard_missing",
        "fees[0].standard",
    ),
    (changed(fees=[structs.replace(FEE, basis=None)]), 7, "fee_basis_missing", "fees[0].basis"),
    (
        changed(fees=[structs.replace(FEE, reducible=True)]),
        7,
        "fee_reduction_basis_missing",
        "fees[0].reduction_basis",
    ),
    (changed(enquiry=None), 8, "enquiry_phone_missing", "enquiry.phone"),
    (changed(complaint=Contact()), 8, "complaint_phone_missing", "complaint.phone"),
    (changed(enquiry=Contact("83135078")), 8, "phone_without_area_code", "enquiry.phone"),
    (changed(complaint=Contact("020-83135078")), 8, "phones_identical", "complaint.phone"),
    (changed(complaint=Contact("(020)83135078")), 8, "phones_identical", "complaint.phone"),
    (changed(places=[]), 9, "places_missing", "places"),
    (with_place(hours="9:00—17:00"), 9, "hours_without_working_days", "places[0].hours"),
    (with_place(hours=None), 9, "hours_without_working_days", "places[0].hours"),
    (
        with_place(window=None, address="广东省广州市天河区"),
        9,
        "address_too_coarse",
        "places[0].address",
    ),
    (changed(person_themes=[]), 10, "audience_without_theme", "person_themes"),
    (
        changed(organisation_themes=["设立变更"]),
        10,
        "theme_without_audience",
        "organisation_themes",
    ),
    (changed(faqs=[]), 11, "faq_missing", "faqs"),
    (changed(steps=CLEAN.steps[:4]), 12, "licence_stage_missing", "steps"),
    (
        changed(steps=[*CLEAN.steps, Step("专家论证", "other", limit_days=1)]),
        12,
        "steps_exceed_promise",
        "steps",
    ),
    (with_material(name="其他材料"), 13, "vague_material", "materials[1].name"),
    (with_form(blank_form=None), 14, "blank_form_missing", "materials[0].blank_form"),
    (with_form(sample=None), 14, "filled_sample_missing", "materials[0].sample"),
    (with_form(is_form=False), 14, "form_not_marked", "materials[0].is_form"),
    (changed(assured_on=None), 15, "never_assured", "assured_on"),
    (changed(assured_on=date(2025, 11, 21)), 15, "stale", "assured_on"),
    (changed(assured_on=date(2026, 11, 23)), 15, "assured_in_future", "assured_on"),
]


@pytest.mark.parametrize(
    ("guide", "rule", "code", "field"), BROKEN, ids=[f"{case[2]}-{case[3]}" for case in BROKEN]
)
def test_a_broken_rule_gives_its_finding_alone(
    guide: Guide, rule: int, code: str, field: str
) -> None:
    assert found(guide) == [(rule, code, field)]


def test_every_word_is_reached_by_a_broken_guide() -> None:
    assert {case[2] for case in BROKEN} == set(WORDS)
    assert {case[1] for case in BROKEN} == set(RULE_TITLES) - {16}


@pytest.mark.parametrize("guide", [case[0] for case in BROKEN])
def test_findings_speak_to_the_editor_without_open_braces(guide: Guide) -> None:
    for finding in lint_guide(guide, TODAY):
        assert isinstance(finding, Finding)
        assert "{" not in finding.detail + finding.detail_en
        assert finding.detail.endswith("。")
        assert finding.detail_en.endswith((".", "000"))


def test_several_findings_of_one_rule_are_all_told() -> None:
    guide = changed(steps=[Step("受理", "acceptance", limit_days=1)])
    assert [finding.detail for finding in lint_guide(guide, TODAY)] == [
        f"行政许可办理流程缺少“{stage}”环节，请补充。" for stage in ("审查", "决定", "办结", "送达")
    ]


def test_a_guide_with_nothing_but_its_identity_is_told_what_it_lacks() -> None:
    bare = Guide(
        CLEAN.service_code, "经营许可", "1", "440000000000", "2", CLEAN.department, "440101007000"
    )
    assert {finding.rule for finding in lint_guide(bare, TODAY)} == {0, 4, 8, 9, 11, 12, 15}


VAGUE = """
身份证、户口簿等 身份证等。 身份证等等 身份证等材料 身份证等有效证件
社保清单、审计报告、合同等材料 营业执照等申请人身份证明文件
判决书、刑满释放等材料原件。 身份证明（身份证、护照等） 其他材料 其它证明文件
法律、法规规定的其他材料 需要提交的其他有关资料 有关材料 相关证明 相关证明材料
有关部门的批准文件 所需材料 视情况提供的图纸
"""


@pytest.mark.parametrize("name", VAGUE.split())
def test_a_vague_material_is_found(name: str) -> None:
    assert (13, "vague_material", "materials[1].name") in found(with_material(name=name))


@pytest.mark.parametrize(
    "name",
    [
        "高等学校毕业证书",
        "职业技能等级证书",
        "职业资格等级证明",
        "同等学力证明",
        "其他家庭成员的居民身份证",
        "与逝者的亲属关系证明",
    ],
)
def test_an_exact_material_is_not_vague(name: str) -> None:
    assert found(with_material(name=name)) == []


@pytest.mark.parametrize(
    "phone",
    [
        "0755-12345678",
        "0668-2345678-801",
        "（020）83135078",
        "02083135078",
        "020-12345",
        "12329",
        "400-123-4567",
        "0000-88123456",
    ],
)
def test_a_phone_that_can_be_dialled_from_anywhere_is_accepted(phone: str) -> None:
    assert found(changed(enquiry=Contact(phone))) == []


@pytest.mark.parametrize("phone", ["83135078", "13800138000", "110", "95598", "见网站", "020-831"])
def test_a_phone_without_area_code_is_found(phone: str) -> None:
    assert found(changed(enquiry=Contact(phone))) == [
        (8, "phone_without_area_code", "enquiry.phone")
    ]


def test_one_hot_line_for_enquiry_and_complaint_is_found() -> None:
    guide = changed(enquiry=Contact("12345"))
    assert found(guide) == [(8, "phones_identical", "complaint.phone")]


@pytest.mark.parametrize(
    ("promised", "allowed", "longer"),
    [
        (Limit(20), Limit(20), False),
        (Limit(21), Limit(20), True),
        (Limit(7, "calendar_day"), Limit(5, "working_day"), False),
        (Limit(11, "working_day"), Limit(10, "calendar_day"), True),
        (Limit(10, "working_day"), Limit(10, "calendar_day"), False),
        (Limit(2, "hour"), Limit(90, "minute"), True),
        (Limit(24, "hour"), Limit(1, "calendar_day"), False),
        (Limit(25, "hour"), Limit(1, "calendar_day"), True),
        (Limit(30, "minute"), Limit(0, "working_day"), False),
        (Limit(1, "calendar_day"), Limit(0, "working_day"), True),
    ],
)
def test_limits_in_different_units_are_compared_only_where_certain(
    promised: Limit, allowed: Limit, longer: bool
) -> None:
    assert exceeds(promised, allowed) is longer


@pytest.mark.parametrize(
    ("limit", "on_the_spot"),
    [
        (Limit(0), True),
        (Limit(0, "calendar_day"), True),
        (Limit(8, "hour"), True),
        (Limit(480, "minute"), True),
        (Limit(9, "hour"), False),
        (Limit(481, "minute"), False),
        (Limit(1), False),
    ],
)
def test_instant_means_within_one_working_day_of_eight_hours(
    limit: Limit, on_the_spot: bool
) -> None:
    guide = changed(handling_type="instant", promised_limit=limit, steps=[], item_type="20")
    assert (found(guide) == []) is on_the_spot


def test_step_times_may_fill_the_promise_exactly() -> None:
    assert sum(step.limit_days or 0 for step in CLEAN.steps) == 5
    assert found(changed(promised_limit=Limit(4)))[0][1] == "steps_exceed_promise"


def test_a_wholly_online_item_needs_no_courier_and_no_place() -> None:
    online = Online(depth="IV", payment=True)
    assert found(changed(online=online, places=[])) == []


def test_a_door_number_is_as_good_as_a_window() -> None:
    assert found(with_place(window=None, address="天河区体育东路12号")) == []


def test_an_unsound_process_is_a_finding_of_its_own_rule() -> None:
    field = FormField("reason", "理由", "choice")
    process = Process(form=[field], payment=PaymentDue("acceptance"))
    assert found(changed(process=process)) == [(16, "choices_wrong", "process.form[0].choices")]
    unpriced = structs.replace(FEE, amount_fen=None)
    assert found(changed(process=structs.replace(process, form=[]), fees=[unpriced])) == [
        (16, "payment_without_amount", "process.payment")
    ]
    assert found(changed(process=Process())) == []


def test_an_assurance_is_good_for_twelve_months_to_the_day() -> None:
    assert found(changed(assured_on=date(2025, 11, 22))) == []
    leap = changed(assured_on=date(2024, 2, 29))
    assert lint_guide(leap, date(2025, 2, 28)) == []
    assert [f.code for f in lint_guide(leap, date(2025, 3, 1))] == ["stale"]


def test_every_rule_is_registered_once() -> None:
    rules: list[Callable[..., object]] = list(RULES)
    assert len(set(rules)) == len(rules) == 19


def test_a_typical_guide_is_linted_in_well_under_a_millisecond() -> None:
    guide = changed(materials=[FORM, *[IDENTITY_CARD] * 5])
    seconds = min(repeat(lambda: lint_guide(guide, TODAY), number=200, repeat=7)) / 200
    assert seconds < 200e-6, f"{seconds * 1e6:.1f} µs"
