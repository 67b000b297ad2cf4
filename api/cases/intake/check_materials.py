"""Whether what is handed in is the caller's, is of the guide, and may stand for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from msgspec import Struct

from api.cases.intake import queries
from api.cases.intake.check_answers import fault
from api.cases.intake.load_guide import CaseGuide
from api.cases.intake.rows import CertificateRow, UploadRow
from api.cases.intake.schemas import HandedIn, KeptMaterial
from api.errors import FieldError
from api.statements import Connection


class Held(Struct, frozen=True):
    """What of the named things is the caller's, by its id."""

    uploads: dict[str, UploadRow]
    certificates: dict[str, CertificateRow]


async def find_held(connection: Connection, citizen_id: str, given: Sequence[HandedIn]) -> Held:
    """Read (and lock) the caller's uploads and certificates among those named."""
    upload_ids = sorted({m.upload_id for m in given if m.upload_id})
    certificate_ids = sorted({m.certificate_id for m in given if m.certificate_id})
    uploads = await queries.list_own_uploads(
        connection, upload_ids=upload_ids, citizen_id=citizen_id
    )
    certificates = await queries.list_held_certificates(
        connection, certificate_ids=certificate_ids, citizen_id=citizen_id
    )
    return Held(
        {row.upload_id: row for row in uploads},
        {row.certificate_id: row for row in certificates},
    )


def check_materials(
    guide: CaseGuide, given: Sequence[HandedIn], held: Held, case_no: str | None, today: date
) -> Iterator[FieldError]:
    """Every fault, with its place in the list."""
    seen: set[str] = set()
    for number, material in enumerate(given):
        path = f"materials[{number}]"
        known = guide.material(material.material_id)
        if known is None:
            yield fault(f"{path}.material_id", "unknown_material")
        if (material.upload_id is None) == (material.certificate_id is None):
            yield fault(path, "nothing_given")
            continue
        thing = material.upload_id or material.certificate_id or ""
        field = f"{path}.{'upload_id' if material.upload_id else 'certificate_id'}"
        if thing in seen:
            yield fault(field, "given_twice")
        seen.add(thing)
        if material.upload_id is not None:
            code = _upload_fault(held.uploads.get(thing), case_no)
        else:
            wanted = known.certificate_type if known else None
            code = _certificate_fault(held.certificates.get(thing), wanted, today)
        if code:
            yield fault(field, code)


def keep_materials(
    guide: CaseGuide, given: Sequence[HandedIn], held: Held, now: datetime
) -> list[KeptMaterial]:
    """What the case notes of each; a certificate with consent and purpose."""
    return [_kept(guide, material, held, now) for material in given]


def _kept(guide: CaseGuide, material: HandedIn, held: Held, now: datetime) -> KeptMaterial:
    if material.upload_id is not None:
        upload = held.uploads[material.upload_id]
        return KeptMaterial(
            material.material_id,
            upload_id=upload.upload_id,
            media_type=upload.media_type,
            size=upload.size_bytes,
            sha256=upload.sha256,
        )
    certificate = held.certificates[material.certificate_id or ""]
    return KeptMaterial(
        material.material_id,
        certificate_id=certificate.certificate_id,
        certificate_type=certificate.type,
        consented_at=now,
        purpose=f"办理：{guide.name}"[:200],
    )


def _upload_fault(upload: UploadRow | None, case_no: str | None) -> str | None:
    if upload is None:
        return "unknown_upload"
    return "upload_used" if upload.case_no not in (None, case_no) else None


def _certificate_fault(
    certificate: CertificateRow | None, wanted: str | None, today: date
) -> str | None:
    if certificate is None:
        return "unknown_certificate"
    if certificate.type != wanted:
        return "certificate_wrong"
    if certificate.status != "valid":
        return "certificate_revoked"
    expired = certificate.valid_until is not None and certificate.valid_until < today
    return "certificate_expired" if expired else None
