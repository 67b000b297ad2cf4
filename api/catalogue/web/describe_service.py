"""A service item as search engines read it: schema.org GovernmentService as JSON-LD.

Only properties that schema.org gives a GovernmentService and its parts are used: when the
guide was changed and checked belongs to its page, so it stands under `mainEntityOfPage`.
Working days have no ISO 8601 duration; limits in them are said on the page alone.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from api.catalogue.schemas import ITEM_TYPE_NAMES, Contact, Fee, GuideAnswer, Limit, Place
from api.kinds import NATION, RegionRef

Json = dict[str, Any]

AUDIENCE_NAMES = {"natural_person": "个人", "legal_person": "企业和组织"}

_DAY_SIGNS = "一二三四五六日"
_DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_TO = r"\s*[—–－\-~～至到]+\s*"
_DAY = re.compile(r"(?:周|星期)([一二三四五六日天])")
_DAY_RANGE = re.compile(rf"(?:周|星期)([一二三四五六日天]){_TO}(?:周|星期)?([一二三四五六日天])")
_TIME_RANGE = re.compile(rf"(下午)?(\d{{1,2}})[:：](\d\d){_TO}(下午)?(\d{{1,2}})[:：](\d\d)")
# A day or season that the two patterns above cannot tell apart from the usual week.
_UNSURE = re.compile(r"周末|双休|每月|单周|双周|夏|冬|季|\d月|预约")
_WEB = re.compile(r"\Ahttps?://[^\s\x00-\x1f]+\Z", re.IGNORECASE)
_DURATIONS = {"calendar_day": "P{}D", "hour": "PT{}H", "minute": "PT{}M"}


def describe_service(guide: GuideAnswer, public_url: str) -> Json:
    """The item as a JSON-LD document; absent values are left out.

    `public_url` is the service's own address without a trailing slash. Source:
    https://schema.org/GovernmentService.
    """
    url = f"{public_url}/services/{guide.service_code}"
    hours = {place.hours for place in guide.places if place.hours}
    return _present(
        {
            "@context": "https://schema.org",
            "@type": "GovernmentService",
            "@id": url,
            "url": url,
            "name": guide.name,
            "alternateName": guide.keywords,
            "disambiguatingDescription": "演示数据" if guide.demonstration else None,
            "identifier": _identifiers(guide),
            "serviceType": ITEM_TYPE_NAMES[guide.item_type],
            "category": [*guide.person_themes, *guide.organisation_themes],
            "provider": {
                "@type": "GovernmentOrganization",
                "name": guide.department.name,
                "identifier": guide.department.code,
            },
            "areaServed": _area(guide.region_path),
            "audience": [
                {"@type": "Audience", "audienceType": AUDIENCE_NAMES[a]} for a in guide.audience
            ],
            "availableChannel": _channels(guide),
            # Of several places with different hours none speaks for the whole service.
            "hoursAvailable": read_hours(next(iter(hours))) if len(hours) == 1 else None,
            "offers": [_offer(fee) for fee in guide.fees] if guide.charged else None,
            "serviceOutput": _result(guide),
            "isRelatedTo": _related(guide, public_url),
            "mainEntityOfPage": _page(guide, url),
            "subjectOf": _questions(guide),
        }
    )


def read_hours(text: str) -> list[Json]:
    """OpeningHoursSpecification for hours such as 周一至周五 9:00—12:00; empty where not sure."""
    if _UNSURE.search(text):
        return []
    days = _read_days(text)
    times = [_read_times(found) for found in _TIME_RANGE.finditer(text)]
    if not days or not times or None in times:
        return []
    return [
        {"@type": "OpeningHoursSpecification", "dayOfWeek": days, "opens": t[0], "closes": t[1]}
        for t in times
        if t
    ]


def web_address(text: str | None) -> str | None:
    """The text where it is an absolute http(s) address, else None: no other scheme is linked."""
    try:
        parts = urlsplit(text or "")
    except ValueError:
        return None
    # urlsplit forgives blanks and control signs that a browser would read in its own way.
    return text if _WEB.match(text or "") and parts.hostname else None


def _read_days(text: str) -> list[str]:
    ranges = _DAY_RANGE.findall(text)
    if len(ranges) == 1 and len(_DAY.findall(_DAY_RANGE.sub("", text))) == 0:
        first, last = (_DAY_SIGNS.index(sign.replace("天", "日")) for sign in ranges[0])
        return [f"https://schema.org/{name}" for name in _DAY_NAMES[first : last + 1]]
    if not _DAY.search(text) and "工作日" in text:
        return [f"https://schema.org/{name}" for name in _DAY_NAMES[:5]]
    return []


def _read_times(found: re.Match[str]) -> tuple[str, str] | None:
    afternoon, hour, minute, last_afternoon, last_hour, last_minute = found.groups()
    opens = _clock(hour, minute, bool(afternoon))
    closes = _clock(last_hour, last_minute, bool(last_afternoon or afternoon))
    return (opens, closes) if opens < closes <= "24:00" and minute < "60" > last_minute else None


def _clock(hour: str, minute: str, afternoon: bool) -> str:
    return f"{int(hour) + (12 if afternoon and int(hour) < 12 else 0):02d}:{minute}"


def _identifiers(guide: GuideAnswer) -> list[Json]:
    codes = (("实施编码", guide.service_code), ("基本编码", guide.basic_code))
    return [
        {"@type": "PropertyValue", "propertyID": name, "value": code}
        for name, code in codes
        if code
    ]


def _area(path: list[RegionRef]) -> Json | None:
    area: Json | None = None
    for region in path:
        area = _present(
            {
                "@type": "Country" if region.code == NATION else "AdministrativeArea",
                "name": "中国" if region.code == NATION else region.name,
                "identifier": None if region.code == NATION else region.code,
                "containedInPlace": area,
            }
        )
    return area


def _channels(guide: GuideAnswer) -> list[Json]:
    phone = _contact_point(guide.enquiry)
    online = [
        web_address(address) for address in (guide.online.web_address, guide.online.mobile_address)
    ]
    channels: list[Json] = [
        {"serviceUrl": address} for address in dict.fromkeys(online) if address
    ] + [{"serviceLocation": _place(place, guide.region_path)} for place in guide.places]
    return [
        _present(
            {
                "@type": "ServiceChannel",
                **channel,
                "servicePhone": phone,
                "processingTime": _duration(guide.promised_limit),
                "availableLanguage": "zh-CN",
            }
        )
        for channel in channels or ([{}] if phone else [])
    ]


def _contact_point(contact: Contact | None) -> Json | None:
    if contact is None or not contact.phone:
        return None
    return {"@type": "ContactPoint", "contactType": "咨询", "telephone": contact.phone}


def _place(place: Place, path: list[RegionRef]) -> Json:
    regions = [region.name for region in path if region.code != NATION]
    return _present(
        {
            "@type": "Place",
            "name": place.name,
            "telephone": place.phone,
            "address": _present(
                {
                    "@type": "PostalAddress",
                    "streetAddress": place.address,
                    "addressLocality": "".join(regions[1:3]),
                    "addressRegion": regions[0] if regions else None,
                    "addressCountry": "CN",
                }
            ),
            "openingHoursSpecification": read_hours(place.hours or ""),
        }
    )


def _duration(limit: Limit | None) -> str | None:
    if limit is None or limit.unit not in _DURATIONS:
        return None
    return _DURATIONS[limit.unit].format(limit.value)


def _offer(fee: Fee) -> Json:
    fixed = fee.amount_fen is not None
    return _present(
        {
            "@type": "Offer",
            "name": fee.item,
            "description": fee.standard,
            "price": f"{fee.amount_fen // 100}.{fee.amount_fen % 100:02d}"
            if fee.amount_fen is not None
            else None,
            "priceCurrency": "CNY" if fixed else None,
        }
    )


def _result(guide: GuideAnswer) -> Json | None:
    if guide.result is None or not guide.result.name:
        return None
    return {"@type": "Thing", "name": guide.result.name}


def _related(guide: GuideAnswer, public_url: str) -> list[Json]:
    return [
        {
            "@type": "GovernmentService",
            "@id": f"{public_url}/services/{item.service_code}",
            "url": f"{public_url}/services/{item.service_code}",
            "name": item.name,
        }
        for item in guide.related
    ]


def _page(guide: GuideAnswer, url: str) -> Json:
    return _present(
        {
            "@type": "WebPage",
            "@id": url,
            "inLanguage": "zh-CN",
            "datePublished": guide.published_at.isoformat(timespec="seconds"),
            "dateModified": guide.updated_at.isoformat(timespec="seconds"),
            "lastReviewed": guide.assured_on.isoformat() if guide.assured_on else None,
            "version": str(guide.version),
        }
    )


def _questions(guide: GuideAnswer) -> Json | None:
    if not guide.faqs:
        return None
    return {
        "@type": "FAQPage",
        "mainEntity": [
            {
                "@type": "Question",
                "name": faq.question,
                "acceptedAnswer": {"@type": "Answer", "text": faq.answer},
            }
            for faq in guide.faqs
        ],
    }


def _present(fields: Json) -> Json:
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}
