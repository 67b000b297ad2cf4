"""Blank forms, filled samples and samples of results, as files to download."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import quote

from litestar import Response, Router, get
from litestar.di import NamedDependency
from litestar.params import PathParameter

from api.access import public
from api.catalogue.routes import Code, no_such_service
from api.catalogue.schemas import FileReference, Guide
from api.catalogue.show_guide import find_version
from api.database import Database
from api.errors import NotFound
from api.files import FileDamaged, FileMissing, Files
from api.kinds import demand_code
from api.problems import problems

FILE_SECONDS = 86_400

Material = Annotated[
    str,
    PathParameter(
        description="The material's id within the guide",
        schema_extra={"pattern": "^[0-9A-Za-z_-]{1,40}$", "examples": ["m1"]},
    ),
]


@get(
    "/{service_code:str}/materials/{material_id:str}/blank-form",
    guards=[public],
    responses=problems(NotFound),
    summary="Blank form of a material",
    media_type="application/octet-stream",
)
async def blank_form(
    service_code: Code,
    material_id: Material,
    database: NamedDependency[Database],
    files: NamedDependency[Files],
) -> Response[bytes]:
    """The form to fill in, as PDF or DOCX."""
    guide = await _guide(database, service_code)
    return await _send(files, _material_file(guide, material_id, "blank-form"))


@get(
    "/{service_code:str}/materials/{material_id:str}/sample",
    guards=[public],
    responses=problems(NotFound),
    summary="Filled sample of a material",
    media_type="application/octet-stream",
)
async def sample(
    service_code: Code,
    material_id: Material,
    database: NamedDependency[Database],
    files: NamedDependency[Files],
) -> Response[bytes]:
    """How the filled form looks, with invented people."""
    guide = await _guide(database, service_code)
    return await _send(files, _material_file(guide, material_id, "sample"))


@get(
    "/{service_code:str}/result-sample",
    guards=[public],
    responses=problems(NotFound),
    summary="Sample of the result",
    media_type="application/octet-stream",
)
async def result_sample(
    service_code: Code, database: NamedDependency[Database], files: NamedDependency[Files]
) -> Response[bytes]:
    """What the citizen holds in the end."""
    guide = await _guide(database, service_code)
    return await _send(files, guide.result.sample if guide.result else None)


async def _guide(database: Database, service_code: str) -> Guide:
    demand_code(service_code, 31, no_such_service())
    found = await database.read(lambda c: find_version(c, service_code, None))
    if found is None:
        raise no_such_service()
    return found.guide


def _material_file(
    guide: Guide, material_id: str, kind: Literal["blank-form", "sample"]
) -> FileReference | None:
    for material in guide.materials:
        if material.material_id == material_id:
            return material.blank_form if kind == "blank-form" else material.sample
    raise NotFound("该事项没有这份材料。", "The service has no such material.")


async def _send(files: Files, file: FileReference | None) -> Response[bytes]:
    if file is None:
        raise NotFound("这份材料没有可下载的文件。", "There is no file for this.")
    try:
        content = await files.read(file.sha256)
    except (FileMissing, FileDamaged):
        raise NotFound("文件暂时无法提供。", "The file cannot be given at the moment.") from None
    return Response(
        content,
        media_type=file.media_type,
        headers={
            "Cache-Control": f"public, max-age={FILE_SECONDS}",
            # RFC 6266: the name in UTF-8, with a plain one for old clients.
            "Content-Disposition": (
                f"attachment; filename=\"form\"; filename*=UTF-8''{quote(file.name)}"
            ),
        },
    )


file_router = Router(
    "/v1/services", route_handlers=[blank_form, sample, result_sample], tags=["catalogue"]
)
