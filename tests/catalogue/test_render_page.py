"""The page of an item: whole, safe whatever a department wrote, and readable by machines."""

from __future__ import annotations

import itertools
import json
import re
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html

from api.catalogue.schemas import (
    Contact,
    Faq,
    FileLink,
    GuideAnswer,
    Limit,
    MaterialAnswer,
    Online,
    RelatedService,
    ResultAnswer,
)
from api.catalogue.web.describe_service import describe_service
from api.catalogue.web.render_page import (
    WORDS,
    render_page,
    render_refusal,
)
from tests.catalogue.builders import CODE, HOURS, URL, whole_guide

HOSTILE = "</script><img src=x onerror=alert(1)>\"'&\u2028"
# Fields that hold codes of ours or are checked before they are stored; the rest is anybody's text.
CODED = {
    "service_code",
    "item_type",
    "region_code",
    "exercise_level",
    "power_source",
    "handling_type",
    "region_scope",
    "necessity",
    "type",
    "form",
    "unit",
    "stage",
    "reason",
    "status",
    "depth",
    "online_depth",
    "audience",
    "published_at",
    "updated_at",
    "assured_on",
    "effective_on",
    "ends_on",
}


def fill(value: Any, text: str, name: str = "") -> Any:
    """The same with `text` in every field that holds free words."""
    if isinstance(value, msgspec.Struct):
        fields = {
            key: fill(getattr(value, key), text, key)
            for key in value.__struct_fields__
            if not (isinstance(value, MaterialAnswer) and key == "source")  # a code, there only
        }
        return msgspec.structs.replace(value, **fields)
    if isinstance(value, list):
        return [fill(item, text, name) for item in value]
    return text if isinstance(value, str) and name not in CODED else value


def page(guide: GuideAnswer, *, large: bool = False) -> Any:
    return html.document_fromstring(render_page(guide, public_url=URL, large=large))


def words(tree: Any) -> str:
    return " ".join(tree.body.text_content().split())


def linked_data(text: str) -> Any:
    found = re.findall(r'<script type="application/ld\+json">(.*?)</script>', text, re.DOTALL)
    assert len(found) == 1
    return json.loads(found[0])


@pytest.mark.parametrize("large", [False, True])
def test_hostile_words_stay_words(large: bool) -> None:
    guide = fill(whole_guide(), HOSTILE)
    text = render_page(guide, public_url=URL, large=large)
    assert "<img" not in text
    assert text.count("<script") == text.count("</script") == 1
    assert "\u2028" not in linked_json(text)
    tree = html.document_fromstring(text)
    assert {e.tag for e in tree.iter() if isinstance(e.tag, str)}.isdisjoint({"img", "iframe"})
    assert not [a for e in tree.iter() for a in e.attrib if a.startswith("on")]
    assert "alert(1)" in words(tree)


def linked_json(text: str) -> str:
    return text.partition('<script type="application/ld+json">')[2].partition("</script>")[0]


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=60).filter(lambda text: "\x00" not in text))
def test_linked_data_says_exactly_what_the_department_wrote(text: str) -> None:
    guide = whole_guide(name=text, faqs=[Faq(text, text)])
    found = linked_data(render_page(guide, public_url=URL))
    assert found == describe_service(guide, URL)
    assert found["name"] == text
    assert found["subjectOf"]["mainEntity"][0]["acceptedAnswer"]["text"] == text


def test_linked_data_survives_what_would_end_a_script() -> None:
    text = render_page(whole_guide(name=HOSTILE), public_url=URL)
    assert linked_data(text)["name"] == HOSTILE


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        " https://x",
        "http://",
        "https://[x",
    ],
)
def test_only_web_addresses_become_links(address: str) -> None:
    online = Online("III", address, address)
    guide = whole_guide(online=online, enquiry=Contact(web=address), complaint=Contact(web=address))
    for large in (False, True):
        assert address not in [a.get("href") for a in page(guide, large=large).iter("a")]
    channels = describe_service(guide, URL)["availableChannel"]
    assert not [channel for channel in channels if "serviceUrl" in channel]


def test_a_file_elsewhere_is_not_linked() -> None:
    material = msgspec.structs.replace(whole_guide().materials[0], blank_form=EVIL, sample=EVIL)
    text = render_page(whole_guide(materials=[material]), public_url=URL)
    assert "evil.example" not in text


EVIL = FileLink("x", "application/pdf", 1, "0" * 64, "//evil.example/x")


@pytest.mark.parametrize("large", [False, True])
def test_a_page_has_one_heading_of_the_first_level_and_no_gap_below(large: bool) -> None:
    tree = page(whole_guide(), large=large)
    levels = [int(e.tag[1]) for e in tree.iter("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))


@pytest.mark.parametrize("large", [False, True])
def test_a_reader_with_a_keyboard_or_a_screen_reader_finds_the_way(large: bool) -> None:
    tree = page(whole_guide(), large=large)
    assert tree.get("lang") == "zh-CN"
    assert all(len(tree.findall(f".//{tag}")) == 1 for tag in ("main", "header", "footer"))
    assert next(tree.iter("a")).get("href") == "#main"
    ids = [e.get("id") for e in tree.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    wanted = [a.get("href")[1:] for a in tree.iter("a") if a.get("href", "").startswith("#")]
    labels = [e.get("aria-labelledby") for e in tree.iter() if e.get("aria-labelledby")]
    assert set(wanted + labels) <= set(ids)
    assert all(a.text_content().strip() for a in tree.iter("a"))


@pytest.mark.parametrize("large", [False, True])
def test_every_material_stands_with_its_links(large: bool) -> None:
    guide = whole_guide()
    tree = page(guide, large=large)
    links = {a.get("href") for a in tree.iter("a")}
    for material in guide.materials:
        assert material.name in words(tree)
        assert material.blank_form is not None
        assert material.sample is not None
        assert {material.blank_form.url, material.sample.url} <= links


def test_the_full_page_says_everything() -> None:
    said = words(page(whole_guide()))
    unsaid = [
        text
        for text in (
            "天河区公安局",
            "法定机关",
            "行政确认",
            "面向个人",
            "承诺件",
            "可网上申请",
            "全国通办",
            "居民身份证已经遗失",
            "委托他人时",
            "原件和复印件 · 2份 · 纸质或电子均可 · A4",
            "填写须知在此",
            "核对材料",
            "鉴定",
            "60个工作日",
            "15个工作日",
            "可延长三十日",
            "采集指纹",
            "每证40元",
            "低保户免收",
            "A01窗口",
            HOURS,
            "020-88834134",
            "020-88834135",
            "区人民法院",
            "要先挂失吗",
            "第十一条",
            "居民身份证首次申领",
            "证件遗失一件事",
            "2026年1月2日",
            "第3版",
            CODE,
            "每人一张",
            "天河区民政局",
            "照相馆",
            "广州市公安局",
            "80个号",
            "快递送达",
            "数据来源甲",
            "L-1",
            "某办法",
        )
        if text not in said
    ]
    assert unsaid == []


@pytest.mark.parametrize(
    ("status", "said"),
    [("withdrawn", "已经取消"), ("ended", "已经停止"), ("planned", "自2025年1月1日起施行")],
)
@pytest.mark.parametrize("large", [False, True])
def test_an_item_that_cannot_be_done_now_says_so_first(status: Any, said: str, large: bool) -> None:
    tree = page(whole_guide(status=status), large=large)
    [alert] = tree.findall(".//*[@role='alert']")
    assert said in alert.text_content()
    assert words(tree).index(said) < words(tree).index("居民身份证丢失补领")
    assert "网上办理" not in words(tree)


def test_an_item_in_force_has_no_banner() -> None:
    assert page(whole_guide()).findall(".//*[@role='alert']") == []


def test_demonstration_data_is_marked() -> None:
    assert "演示数据" in words(page(whole_guide(demonstration=True)))
    assert "演示数据" not in words(page(whole_guide()))


def test_the_elder_view_is_smaller_and_leads_back() -> None:
    tree = page(whole_guide(), large=True)
    full = page(whole_guide())
    assert len(words(tree)) < len(words(full)) / 2
    assert tree.body.get("class") == "large"
    assert all(text in words(tree) for text in ("A01窗口", HOURS, "020-88834134", "每证40元"))
    assert [a for a in tree.iter("a") if a.get("href") == f"/services/{CODE}"]
    assert [a for a in full.iter("a") if a.get("href") == f"/services/{CODE}?view=elder"]


@pytest.mark.parametrize("large", [False, True])
def test_search_engines_are_told_the_one_address(large: bool) -> None:
    tree = page(whole_guide(), large=large)
    [canonical] = tree.findall(".//link[@rel='canonical']")
    assert canonical.get("href") == f"{URL}/services/{CODE}"
    [description] = tree.findall(".//meta[@name='description']")
    assert "15个工作日" in description.get("content")
    graph = {m.get("property") for m in tree.iter("meta") if m.get("property")}
    assert graph >= {"og:title", "og:description", "og:url", "og:type"}


def test_a_guide_that_says_little_is_a_page_too() -> None:
    guide = msgspec.structs.replace(
        whole_guide(),
        **{
            field.name: field.default if field.default is not msgspec.NODEFAULT else []
            for field in msgspec.structs.fields(GuideAnswer)
            if field.name in BARE
        },
    )
    for large in (False, True):
        said = words(page(guide, large=large))
        assert "None" not in said
        assert "居民身份证丢失补领" in said
    assert linked_data(render_page(guide, public_url=URL))["name"] == guide.name


BARE = {
    "basic_code",
    "local_code",
    "effective_on",
    "ends_on",
    "legal_basis",
    "power_source",
    "delegating_body",
    "statutory_limit",
    "promised_limit",
    "conditions",
    "steps",
    "charged",
    "fees",
    "audience",
    "handling_type",
    "visits",
    "visit_reason",
    "places",
    "enquiry",
    "complaint",
    "region_scope",
    "result",
    "person_themes",
    "organisation_themes",
    "materials",
    "faqs",
    "review_contact",
    "litigation_contact",
    "keywords",
    "assured_on",
    "source",
    "related",
    "life_events",
    "special_procedures",
    "joint_bodies",
    "intermediary_services",
}


def test_every_code_has_words() -> None:
    for field, table in (
        ("item_type", "item_type"),
        ("exercise_level", "exercise_level"),
        ("handling_type", "handling_type"),
        ("region_scope", "region_scope"),
        ("power_source", "power_source"),
    ):
        assert set(WORDS[table]) == codes_of(GuideAnswer, field)
    for field, table in (
        ("necessity", "necessity"),
        ("type", "copy_type"),
        ("form", "form"),
        ("source", "source"),
    ):
        assert set(WORDS[table]) == codes_of(MaterialAnswer, field)
    assert set(WORDS["online_depth"]) == set(WORDS["online_action"]) == codes_of(Online, "depth")
    assert set(WORDS["unit"]) == codes_of(Limit, "unit")
    assert set(WORDS["result_type"]) == codes_of(ResultAnswer, "type")
    assert set(WORDS["reason"]) == codes_of(RelatedService, "reason")


def codes_of(struct: type[msgspec.Struct], name: str) -> set[str]:
    kind = next(f.type for f in msgspec.inspect.type_info(struct).fields if f.encode_name == name)  # type: ignore[attr-defined]
    kinds = getattr(kind, "types", (kind,))
    return {value for k in kinds for value in getattr(k, "values", ())}


def test_a_refusal_is_a_page_and_is_not_indexed() -> None:
    text = render_refusal(title="未找到", detail=HOSTILE)
    assert "<img" not in text
    tree = html.document_fromstring(text)
    assert tree.findall(".//meta[@name='robots']")[0].get("content") == "noindex"
    assert len(tree.findall(".//h1")) == 1


def test_days_are_written_as_people_write_them() -> None:
    assert "2026年11月2日" in words(page(whole_guide(assured_on=date(2026, 11, 2))))
