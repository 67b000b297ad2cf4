"""One application from the guide to the submission, checked at each step."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable

import msgspec
from msgspec import Struct

from loadtests.answers import Guide
from loadtests.case_answers import CaseAnswer, CaseBegun, Refusal, Upload
from loadtests.fill_form import Value, answer_form, make_sheet, wrap_sheet
from loadtests.phone import Headers, Parcel, Phone, Sent, demand, new_key
from loadtests.request_names import BEGIN, CHANGE, GUIDE, SUBMIT, THROW_AWAY, UPLOAD
from loadtests.town import County, Item

_ANSWERED_AT_ONCE = 0.5


class Submitted(Struct, frozen=True):
    """What came of it."""

    case_no: str
    query_password: str
    status: str
    version: int


class Application:
    """An application of one citizen for one item."""

    def __init__(
        self,
        phone: Phone,
        chance: random.Random,
        county: County,
        item: Item,
        think: Callable[[], None],
    ) -> None:
        """`think` pauses between two steps."""
        self._phone = phone
        self._chance = chance
        self._county = county
        self._item = item
        self._think = think
        self._case_no = ""
        self._form: dict[str, Value] = {}
        self._papers: dict[str, str] = {}

    def hand_in(self) -> Submitted | None:
        """None where a step failed, and for whom the conditions exclude."""
        guide = self._read_guide()
        self._think()
        begun = self._begin(guide) if guide else None
        if guide is None or begun is None:
            return None
        self._think()
        if not self._complete(guide):
            return None
        stands = self._submit()
        if stands is None:
            return None
        return Submitted(begun.case_no, begun.query_password, stands.status, stands.version)

    def _read_guide(self) -> Guide | None:
        def check(guide: Guide, _: Headers) -> None:
            demand(guide.service_code == self._item.service_code, "the guide of another item")
            demand(guide.process is not None, "a guide without its process")

        path = f"/v1/services/{self._item.service_code}"
        return self._phone.ask(path, GUIDE, Guide, check)

    def _begin(self, guide: Guide) -> CaseBegun | None:
        """A draft with some of the answers, as people begin one."""
        asked = guide.process.form if guide.process else []
        self._form = answer_form(asked, self._county.code, self._chance)
        told = {
            name: answer
            for name, answer in self._form.items()
            if self._chance.random() < _ANSWERED_AT_ONCE
        }

        def check(sent: Sent) -> None:
            demand(sent.found.service.service_code == guide.service_code, "another item's case")
            demand(sent.found.status == "draft", "no draft")

        body = msgspec.json.encode({"service_code": guide.service_code, "form": told})
        parcel = Parcel("POST", "/v1/cases", BEGIN, body, key=new_key())
        sent = self._phone.send(parcel, {201: CaseBegun}, check)
        if sent is None:
            return None
        self._case_no = sent.found.case_no
        return sent.found  # type: ignore[no-any-return]

    def _complete(self, guide: Guide) -> bool:
        """Answers and papers, and the papers that the answers made necessary."""
        self._hand_in_papers(m.material_id for m in guide.materials if m.necessity == "required")
        missing = self._change()
        if missing:
            self._hand_in_papers(missing)
            missing = self._change()
        return missing == []

    def _hand_in_papers(self, material_ids: Iterable[str]) -> None:
        for material_id in material_ids:
            if upload_id := self._upload():
                self._papers[material_id] = upload_id

    def _upload(self) -> str | None:
        content = make_sheet(self._chance)

        def check(sent: Sent) -> None:
            kept: Upload = sent.found
            demand(kept.sha256 == hashlib.sha256(content).hexdigest(), "another file was kept")
            demand(kept.size == len(content), "a file of another size")
            demand(kept.media_type == "application/pdf", f"a PDF taken for {kept.media_type}")

        media_type, body = wrap_sheet(content)
        parcel = Parcel("POST", "/v1/uploads", UPLOAD, body, media_type)
        sent = self._phone.send(parcel, {201: Upload}, check)
        return sent.found.upload_id if sent else None

    def _change(self) -> list[str] | None:
        """Send what there is; gives the materials still missing, None where it failed."""

        def check(sent: Sent) -> None:
            fields = [missing.field for missing in sent.found.missing]
            demand(not any(f.startswith("form.") for f in fields), "an answer was not taken")
            complete = sent.found.completeness_percent == 100
            demand(complete == (not fields), "complete, and something is missing")

        papers = [{"material_id": m, "upload_id": u} for m, u in self._papers.items()]
        body = msgspec.json.encode({"form": self._form, "materials": papers})
        parcel = Parcel("PATCH", f"/v1/cases/{self._case_no}", CHANGE, body)
        sent = self._phone.send(parcel, {200: CaseAnswer}, check)
        if sent is None:
            return None
        return [missing.field.removeprefix("materials.") for missing in sent.found.missing]

    def _submit(self) -> CaseAnswer | None:
        """Whom the conditions exclude is told so, which is right, and throws the draft away."""

        def check(sent: Sent) -> None:
            if sent.status == 422:
                demand(sent.found.code == "not_eligible", f"422 {sent.found.code}")
            else:
                demand(sent.found.status != "draft", "submitted, and still a draft")

        path = f"/v1/cases/{self._case_no}"
        parcel = Parcel("POST", f"{path}/submit", SUBMIT, key=new_key())
        sent = self._phone.send(parcel, {200: CaseAnswer, 422: Refusal}, check)
        if sent is not None and sent.status == 200:
            return sent.found  # type: ignore[no-any-return]
        if sent is not None:
            self._phone.send(Parcel("DELETE", path, THROW_AWAY), {204: None})
        return None
