"""Guides made for tests."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from api.catalogue.schemas import (
    Contact,
    Faq,
    Fee,
    FileLink,
    GuideAnswer,
    LegalBasis,
    LifeEventRef,
    Limit,
    Links,
    MaterialAnswer,
    Online,
    Place,
    RelatedService,
    ResultAnswer,
    SpecialProcedure,
    Step,
)
from api.kinds import RegionRef

URL = "https://zhangban.example"
CODE = "11440106DM1GL9LR584440701003000"
OTHER_CODE = "11440106DM1GL9LR584440701001000"
HOURS = "工作日（周一至周五）上午9:00—12:00，下午14:00—17:30，法定节假日除外"
NECESSITIES: tuple[Literal["required", "optional", "conditional"], ...] = (
    "required",
    "optional",
    "conditional",
)


def file(name: str, path: str, media_type: str = "application/pdf") -> FileLink:
    return FileLink(name, media_type, 37_311, "0" * 64, f"/v1/services/{CODE}/{path}")


def whole_guide(**changed: Any) -> GuideAnswer:
    """A guide with every field said."""
    guide = msgspec.convert(
        {
            "service_code": CODE,
            "name": "居民身份证丢失补领",
            "item_type": "7",
            "region_code": "440106000000",
            "exercise_level": "4",
            "department": {"code": CODE[:18], "name": "天河区公安局", "nature": "法定机关"},
            "basic_code": "440701003000",
            "local_code": "L-1",
            "effective_on": "2025-01-01",
            "ends_on": "2035-12-31",
            "power_source": "statutory",
            "delegating_body": "广州市公安局",
            "handling_type": "promised",
            "region_scope": "nation",
            "quantity_limit": "每人一张",
            "joint_bodies": ["天河区民政局"],
            "intermediary_services": ["照相馆"],
            "person_themes": ["证件办理"],
            "organisation_themes": ["其他"],
            "audience": ["natural_person"],
            "conditions": ["居民身份证已经遗失", "本人到场"],
            "keywords": ["补身份证"],
            "charged": True,
            "visits": 1,
            "visit_reason": "采集指纹",
            "daily_appointment_quota": 80,
            "assured_on": "2026-01-02",
            "source": "数据来源甲",
            "licence": "Apache-2.0",
            "version": 3,
            "status": "in_force",
            "statutory_days": 60,
            "promised_days": 15,
            "online_depth": "III",
            "published_at": "2026-01-03T10:00:00+08:00",
            "updated_at": "2026-01-04T10:00:00+08:00",
            "region": RegionRef("440106000000", "天河区"),
            "region_path": [
                RegionRef("440000000000", "广东省"),
                RegionRef("440100000000", "广州市"),
                RegionRef("440106000000", "天河区"),
            ],
            "legal_basis": [LegalBasis("居民身份证法", "第十一条", "应当申请补领")],
            "statutory_limit": Limit(60, note="可延长三十日"),
            "promised_limit": Limit(15),
            "steps": [Step("受理", "acceptance", "受理窗口", 2, "核对材料")],
            "special_procedures": [SpecialProcedure("鉴定", 30, "某规定")],
            "fees": [Fee("工本费", "每证40元", "收费标准的规定", 4000, True, "低保户免收")],
            "places": [
                Place("天河区政务服务中心", "演示大道88号", "A01窗口", HOURS, "020-88834134")
            ],
            "enquiry": Contact("020-88834134", "演示大道88号", "https://ask.example/a?b=1&c=2"),
            "complaint": Contact("020-88834135", None, "javascript:alert(1)"),
            "review_contact": Contact(address="区人民政府"),
            "litigation_contact": Contact(address="区人民法院"),
            "online": Online("III", "https://web.example/", "https://m.example/", True, True, True),
            "result": ResultAnswer(
                "certificate", "居民身份证", sample=file("样.pdf", "result-sample")
            ),
            "materials": [
                MaterialAnswer(
                    material_id=f"m{number}",
                    name=f"第{number}份材料",
                    necessity=necessity,
                    condition="委托他人时",
                    type="original_and_copy",
                    form="paper_or_electronic",
                    source="government",
                    issuer="公安机关",
                    copies=2,
                    paper_size="A4",
                    instructions="填写须知在此",
                    acceptance_standard="清晰",
                    basis="某办法",
                    certificate_type="居民户口簿",
                    blank_form=file("表.docx", f"materials/m{number}/blank-form"),
                    sample=file("样.pdf", f"materials/m{number}/sample"),
                )
                for number, necessity in enumerate(NECESSITIES, start=1)
            ],
            "faqs": [Faq("要先挂失吗？", "不用。")],
            "related": [RelatedService(OTHER_CODE, "居民身份证首次申领", "same_theme")],
            "life_events": [LifeEventRef("lost-cards", "证件遗失一件事")],
            "links": Links("page", "page", f"{URL}/services/{CODE}"),
        },
        GuideAnswer,
        from_attributes=True,
    )
    return msgspec.structs.replace(guide, **changed)
