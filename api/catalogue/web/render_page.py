"""The web page of a service item: for phones without our mini-programs, and search engines.

Plain HTML without scripts. `CONTENT_SECURITY_POLICY` belongs to every page of this
module: it allows the one style sheet by its hash and nothing else. Text of departments
is escaped by jinja2, their addresses become links only where they are http(s).
"""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from api.catalogue.schemas import ITEM_TYPE_NAMES, GuideAnswer, Limit
from api.catalogue.web.describe_service import AUDIENCE_NAMES, describe_service, web_address

_TEMPLATES = Path(__file__).resolve().parent / "templates"
STYLE = (_TEMPLATES / "page.css").read_text(encoding="utf-8")
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

WORDS: dict[str, dict[str, str]] = {
    "item_type": ITEM_TYPE_NAMES,
    "audience": AUDIENCE_NAMES,
    "handling_type": {"instant": "即办件", "promised": "承诺件"},
    "exercise_level": {
        "1": "国家级",
        "2": "省级",
        "3": "市级",
        "4": "县级",
        "5": "乡镇（街道）级",
        "6": "村（社区）级",
    },
    "online_depth": {
        "I": "网上可查指南",
        "II": "部分环节可网上办",
        "III": "可网上申请",
        "IV": "全程网办",
    },
    "online_action": {
        "I": "网上查看",
        "II": "网上申请",
        "III": "网上办理",
        "IV": "网上办理",
    },
    "region_scope": {
        "nation": "全国通办",
        "province": "全省通办",
        "city": "全市通办",
        "county": "全县（区）通办",
        "own": "仅限本地办理",
    },
    "power_source": {"statutory": "法定本级行使", "authorised": "授权", "entrusted": "委托"},
    "necessity": {"required": "必要", "optional": "可不提供", "conditional": "特定情形需要"},
    "copy_type": {"original": "原件", "copy": "复印件", "original_and_copy": "原件和复印件"},
    "form": {"paper": "纸质", "electronic": "电子", "paper_or_electronic": "纸质或电子均可"},
    "source": {
        "applicant": "申请人自备",
        "government": "政府部门核发",
        "third_party": "其他机构出具",
    },
    "result_type": {
        "certificate": "证照",
        "approval": "批文",
        "document": "文书",
        "registration": "登记",
        "payment": "资金",
        "other": "其他",
    },
    "reason": {
        "same_department": "同一部门",
        "same_theme": "同一主题",
        "shared_materials": "材料相近",
    },
    "unit": {
        "working_day": "个工作日",
        "calendar_day": "个自然日",
        "hour": "小时",
        "minute": "分钟",
    },
}

_MEDIA_NAMES = {
    "application/pdf": "PDF",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Word",
    "image/png": "图片",
    "image/jpeg": "图片",
}
_OWN_PATH = re.compile(r"\A/[0-9A-Za-z][0-9A-Za-z/_.~-]*\Z")
_PHONE = re.compile(r"(?<![0-9-])(?:\+86[- ]?)?[0-9]{3,4}(?:-?[0-9]{3,8}){0,2}(?![0-9-])")
# Inside a script element only these could end it or confuse an older reader of JavaScript.
_IN_SCRIPT = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}


def render_page(guide: GuideAnswer, *, public_url: str, large: bool = False) -> str:
    """The guide as a whole HTML document in Chinese.

    `large`: the elder view, with bigger type and only what to bring, where, when, how much
    and whom to ring. `public_url` has no trailing slash.
    """
    template = _ENVIRONMENT.get_template("elder.html" if large else "service.html")
    return template.render(
        guide=guide,
        large=large,
        address=f"{public_url}/services/{guide.service_code}",
        path=f"/services/{guide.service_code}",
        description=_describe_briefly(guide),
        linked_data=_in_script(describe_service(guide, public_url)),
        online_address=web_address(guide.online.web_address)
        or web_address(guide.online.mobile_address),
    )


def render_refusal(*, title: str, detail: str) -> str:
    """A page for an item that is not there; `detail` says why in a sentence."""
    template = _ENVIRONMENT.get_template("refusal.html")
    return template.render(title=title, detail=detail, large=False)


def _describe_briefly(guide: GuideAnswer) -> str:
    """What a search engine shows under the title, about 80 characters."""
    facts = [
        "、".join(AUDIENCE_NAMES[a] for a in guide.audience) + "办理" if guide.audience else "",
        f"{_limit_words(guide.promised_limit)}办结" if guide.promised_limit else "",
        ("收费" if guide.charged else "不收费"),
        f"需{len(guide.materials)}份材料" if guide.materials else "",
        ("不用到现场" if guide.visits == 0 else f"最多到现场{guide.visits}次")
        if guide.visits is not None
        else "",
    ]
    said = "，".join(fact for fact in facts if fact)
    return f"{guide.region.name}{guide.name}办事指南：{said}。办理部门：{guide.department.name}。"


def _in_script(document: dict[str, Any]) -> Markup:
    text = msgspec.json.encode(document).decode().translate(_IN_SCRIPT)
    return Markup(text)  # noqa: S704 - every sign that could leave the element is escaped above


def _limit_words(limit: Limit | None) -> str:
    if limit is None:
        return ""
    return f"{limit.value}{WORDS['unit'][limit.unit]}" if limit.value else "当场"


def _day(moment: date | datetime) -> str:
    return f"{moment.year}年{moment.month}月{moment.day}日"


def _yuan(amount_fen: int) -> str:
    yuan, fen = divmod(amount_fen, 100)
    return f"{yuan:,}.{fen:02d}元" if fen else f"{yuan:,}元"


def _size(size_bytes: int) -> str:
    if size_bytes < 1024 * 1024:
        return f"{max(1, round(size_bytes / 1024))} KB"
    return f"{size_bytes / 1024 / 1024:.1f} MB"


def _own_path(text: str) -> str | None:
    """The path where it is one of this service's files, else None."""
    return text if _OWN_PATH.match(text) else None


def _phone_pieces(text: str) -> list[tuple[str, str | None]]:
    """The text cut so that every phone number can be rung: (words, number or None)."""
    pieces: list[tuple[str, str | None]] = []
    end = 0
    for found in _PHONE.finditer(text):
        pieces.append((text[end : found.start()], None))
        pieces.append((found[0], found[0].replace(" ", "-")))
        end = found.end()
    pieces.append((text[end:], None))
    return [piece for piece in pieces if piece[0]]


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        auto_reload=False,
    )
    environment.globals.update(
        style=Markup(STYLE),  # noqa: S704 - our own file
        words=WORDS,
        media_names=_MEDIA_NAMES,
    )
    environment.filters.update(
        day=_day,
        limit=_limit_words,
        own_path=_own_path,
        phones=_phone_pieces,
        size=_size,
        web=web_address,
        yuan=_yuan,
    )
    return environment


_ENVIRONMENT = _environment()
