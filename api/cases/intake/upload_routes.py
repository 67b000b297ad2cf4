"""Uploads over HTTP."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Response, Router, get, post
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.params import Body, QueryParameter

from api.access import Caller, citizen_or_agent, clerk, demand_role
from api.answers import private_answer
from api.antivirus import AntivirusUnavailable, UploadInfected
from api.cases.case_numbers import CaseNoPath, demand_case_no
from api.cases.intake.hand_in import demand_any
from api.cases.intake.keep_upload import Cabinet, find_upload, keep_upload, open_upload
from api.cases.intake.refusals import (
    UploadsTooMany,
    UploadTooDense,
    UploadTypeRefused,
    no_such_upload,
)
from api.cases.intake.schemas import UploadAnswer, UploadBody
from api.cases.intake.show_file import show_file
from api.database import Database
from api.errors import Forbidden, NotFound, Unauthorized
from api.files import FILE_ENDINGS, Files
from api.kinds import demand_code, path_code
from api.problems import problems
from api.settings import Settings
from api.vault import Vault

UploadId = Annotated[
    str, path_code(32, "What the upload was answered with", "0" * 32, letters="0-9a-f")
]

Purpose = Annotated[
    str,
    QueryParameter(
        name="purpose",
        min_length=2,
        max_length=200,
        pattern=r"\A[^\x00]*\Z",
        description="Why the file is opened; goes on record, where the citizen can read it",
    ),
]


@post(
    "/uploads",
    guards=[citizen_or_agent],
    status_code=201,
    responses=problems(
        Unauthorized,
        Forbidden,
        UploadsTooMany,
        UploadTooDense,
        UploadTypeRefused,
        UploadInfected,
        AntivirusUnavailable,
    ),
    summary="Hand in a file",
)
async def upload(
    data: Annotated[UploadBody, Body(media_type=RequestEncodingType.MULTI_PART)],
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    files: NamedDependency[Files],
    vault: NamedDependency[Vault],
    settings: NamedDependency[Settings],
) -> Response[UploadAnswer]:
    """One file in the field `file`: PDF, DOCX, PNG or JPEG, told by its content.

    Name it in a case within a day, else it is forgotten.
    """
    demand_any(caller)
    cabinet = Cabinet(database, files, vault, settings)
    content = await data.file.read(settings.upload_limit_bytes + 1)
    return private_answer(await keep_upload(cabinet, caller.owner, content), status=201)


@get(
    "/uploads/{upload_id:str}",
    guards=[citizen_or_agent],
    responses=problems(Unauthorized, Forbidden, NotFound),
    summary="What is known of a file",
)
async def upload_details(
    upload_id: UploadId,
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    files: NamedDependency[Files],
    vault: NamedDependency[Vault],
    settings: NamedDependency[Settings],
) -> Response[UploadAnswer]:
    """Type, size, digest, and the case it was handed in with."""
    demand_code(upload_id, 32, no_such_upload())
    demand_any(caller)
    cabinet = Cabinet(database, files, vault, settings)
    return private_answer(await find_upload(cabinet, caller.owner, upload_id))


@get(
    "/uploads/{upload_id:str}/content",
    guards=[citizen_or_agent],
    responses=problems(Unauthorized, Forbidden, NotFound),
    summary="The file itself",
    media_type="application/octet-stream",
)
async def upload_content(
    upload_id: UploadId,
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    files: NamedDependency[Files],
    vault: NamedDependency[Vault],
    settings: NamedDependency[Settings],
) -> Response[Any]:
    """As it was sent, always to be saved and never to be shown as a page."""
    demand_code(upload_id, 32, no_such_upload())
    demand_any(caller)
    cabinet = Cabinet(database, files, vault, settings)
    known, content = await open_upload(cabinet, caller.owner, upload_id)
    return _attach(content, upload_id, known.media_type)


@get(
    "/clerk/cases/{case_no:str}/files/{upload_id:str}",
    guards=[clerk],
    responses=problems(Unauthorized, Forbidden, NotFound),
    summary="A file that was handed in",
    media_type="application/octet-stream",
    tags=["clerks"],
)
async def file_for_clerk(
    case_no: CaseNoPath,
    upload_id: UploadId,
    caller: NamedDependency[Caller],
    database: NamedDependency[Database],
    files: NamedDependency[Files],
    vault: NamedDependency[Vault],
    settings: NamedDependency[Settings],
    purpose: Purpose,
) -> Response[Any]:
    """For handlers of the case's body and place. That it was opened, by whom and why, goes on
    record, where the citizen can read it."""
    demand_role(caller, "handler")
    demand_case_no(case_no)
    demand_code(upload_id, 32, no_such_upload())
    cabinet = Cabinet(database, files, vault, settings)
    row, content = await show_file(cabinet, caller, case_no, upload_id, purpose)
    return _attach(content, upload_id, row.media_type)


def _attach(content: bytes, upload_id: str, media_type: str) -> Response[Any]:
    name = f"{upload_id}{FILE_ENDINGS[media_type]}"
    return Response(
        content,
        media_type=media_type,
        headers={
            "Cache-Control": "private, no-cache",
            "Content-Disposition": f'attachment; filename="{name}"',
        },
    )


upload_router = Router(
    "/v1", route_handlers=[upload, upload_details, upload_content, file_for_clerk], tags=["cases"]
)
