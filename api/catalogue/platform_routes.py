"""Where platforms publish their items: one by one, or many as NDJSON."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec
from litestar import Request, Response, Router, post, put
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIType
from litestar.params import JSONBody
from litestar.response import Stream

from api.access import Caller, signed_by_platform
from api.answers import private_answer
from api.catalogue.publish_for_platform import (
    ImportedLine,
    Published,
    import_lines,
    publish_one,
)
from api.catalogue.routes import Code, no_such_service, today
from api.catalogue.schemas import Guide
from api.database import Database
from api.errors import (
    FieldError,
    Forbidden,
    NonceUsed,
    NotFound,
    QuotaUsed,
    SignatureWrong,
    ValidationFailed,
)
from api.kinds import demand_code
from api.problems import problems

NDJSON = "application/x-ndjson"


@put(
    "/services/{service_code:str}",
    guards=[signed_by_platform],
    responses=problems(SignatureWrong, NonceUsed, QuotaUsed, Forbidden, ValidationFailed, NotFound),
    summary="Publish an item",
)
async def publish_service(
    service_code: Code,
    data: JSONBody[Guide],
    database: NamedDependency[Database],
    caller: NamedDependency[Caller],
) -> Response[Published]:
    """The whole guide becomes the item's next version, whatever the lint finds: the findings
    are answered, by rule, for the editor to mend. The same guide again keeps its version."""
    demand_code(service_code, 31, no_such_service())
    if data.service_code != service_code:
        raise ValidationFailed(
            errors=[
                FieldError(
                    "service_code",
                    "not_the_path",
                    "“service_code”与网址中的实施编码不一致。",
                    "`service_code` is not the one of the address.",
                )
            ]
        )
    return private_answer(await publish_one(database, caller, data, today()))


@dataclass
class _TakesNdjson(Operation):
    """Says in the document what the body is: the handler reads it by itself, line by line."""

    def __post_init__(self) -> None:
        self.request_body = RequestBody(
            required=True,
            description="A guide per line, each as one item is published; at most 64 MiB",
            content={NDJSON: OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))},
        )


@post(
    "/services:import",
    status_code=200,
    guards=[signed_by_platform],
    opt={"spools_body": True},
    operation_class=_TakesNdjson,
    responses={
        200: ResponseSpec(
            ImportedLine,
            description="NDJSON: what became of each line, in order",
            media_type=NDJSON,
            generate_examples=False,
        ),
        **problems(SignatureWrong, NonceUsed, QuotaUsed),
    },
    summary="Publish many items",
)
async def import_services(
    request: Request[Any, Any, Any],
    database: NamedDependency[Database],
    caller: NamedDependency[Caller],
) -> Stream:
    """A line that cannot be read, or is not the platform's, is a fault of that line; the others
    are published. The answer has one line for each that is not empty, while the work goes on."""
    file: BinaryIO = request.state.spooled
    return Stream(_answers(database, caller, file), media_type=NDJSON)


async def _answers(database: Database, caller: Caller, file: BinaryIO) -> AsyncIterator[bytes]:
    with file:
        async for line in import_lines(database, caller, file, today()):
            yield msgspec.json.encode(line) + b"\n"


platform_router = Router(
    "/v1/platform",
    route_handlers=[publish_service, import_services],
    tags=["platform"],
)
