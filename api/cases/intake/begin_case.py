"""A new application: a draft, and in the same breath submitted where that is asked."""

from __future__ import annotations

import msgspec

from api.access import demand_scope
from api.access_log import note_access
from api.audit import note
from api.cases.case_numbers import next_case_no
from api.cases.intake import queries
from api.cases.intake.hand_in import (
    Application,
    Desk,
    answer_of,
    kept_json,
    lock_case,
    take_in,
)
from api.cases.intake.know_applicant import demand_organisation, know_applicant, prefill
from api.cases.intake.load_guide import find_open_service
from api.cases.intake.schemas import CaseAnswer, CaseBegun, CaseBody
from api.cases.intake.submit_case import submit_case
from api.cases.query_passwords import derive_query_password, hash_query_password
from api.cases.sealed import seal_applicant, seal_form
from api.statements import Connection

BEGUN = "填写申请"


async def begin_case(
    connection: Connection, desk: Desk, body: CaseBody, secret: bytes
) -> CaseAnswer:
    """Make the case under the guide in force today; `secret` makes its query password.

    Raises NotFound, ServiceWithdrawn, NotOnline, ValidationFailed, and with `submit` what
    a submission raises; then nothing is kept.
    """
    demand_scope(desk.caller, "apply", body.service_code)
    service, guide = await find_open_service(connection, body.service_code, desk.today)
    await demand_organisation(connection, guide, desk.caller.owner, body.organisation_id)
    known = await know_applicant(connection, desk.vault, desk.caller)
    application = await take_in(
        connection,
        desk,
        Application(guide, known, body.organisation_id, {}, []),
        prefill(guide, known, body.form),
        body.materials,
        None,
    )
    case_no = await next_case_no(connection, body.service_code)
    password = derive_query_password(secret, case_no)
    authority = desk.caller.authority
    await queries.add_case(
        connection,
        case_no=case_no,
        citizen_id=known.citizen_id,
        organisation_id=body.organisation_id,
        agent_id=authority and authority.agent_id,
        # An agent's app is not the principal's.
        channel=None if authority else desk.caller.channel,
        service_code=service.service_code,
        service_version=service.version,
        service_name=service.name,
        department_code=service.department_code,
        region_code=service.region_code,
        form_sealed=seal_form(desk.vault, case_no, application.form),
        applicant_sealed=seal_applicant(desk.vault, case_no, known.applicant),
        materials=kept_json(application.materials),
        completeness_percent=application.weigh(desk.today).percent,
        query_password_hash=hash_query_password(case_no, password),
        limit_days=service.limit_days,
    )
    await bind_uploads(connection, case_no, application)
    await note_draft(connection, desk, case_no, "begun")
    await note_access(
        connection, known.citizen_id, desk.caller.actor, BEGUN, "name id_number phone"
    )
    if body.submit:
        await submit_case(connection, desk, case_no)
    row = await lock_case(connection, desk, case_no)
    return answer_of(row, application.weigh(desk.today))


def tell_password(secret: bytes, kept: bytes) -> bytes:
    """The answer with its query password: made anew each time, so that it is kept nowhere."""
    answer = msgspec.json.decode(kept, type=CaseAnswer)
    password = derive_query_password(secret, answer.case_no)
    return msgspec.json.encode(CaseBegun(**msgspec.structs.asdict(answer), query_password=password))


async def note_draft(connection: Connection, desk: Desk, case_no: str, what: str) -> None:
    """On the audit trail: that a draft was begun, changed or deleted, and by whom."""
    subject = f"case:{case_no}"
    await note(connection, actor=desk.caller.actor, action=f"case.{what}", subject=subject)


async def bind_uploads(connection: Connection, case_no: str, application: Application) -> None:
    """Files that a case names are its own; those it no longer names are unused again."""
    await queries.bind_uploads(
        connection,
        case_no=case_no,
        upload_ids=application.upload_ids,
        citizen_id=application.known.citizen_id,
    )
