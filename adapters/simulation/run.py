"""Runs a gateway: the paths, the faults around them, the command line."""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from adapters.simulation.cashier import cashier_routes
from adapters.simulation.control import control_routes
from adapters.simulation.faults import NOTHING_WRONG, Fault
from adapters.simulation.gateway import Answer, Call, Gateway, Operation, Options, Outcome
from adapters.simulation.page import page_routes

BODY_BYTES = 1024 * 1024
HANG_SECONDS = 600.0
_STOP_SECONDS = 2


def run(open_gateway: Callable[[Options], Gateway], *, default_port: int) -> None:
    """Read the command line, serve until SIGTERM or SIGINT."""
    options = read_options(sys.argv[1:], default_port=default_port)
    gateway = open_gateway(options)
    section = gateway.write_section()
    server = uvicorn.Server(
        uvicorn.Config(
            build_application(gateway),
            host=options.host,
            port=options.port,
            loop="uvloop",
            http=CuttableProtocol,
            lifespan="on",
            # As the real gateways: longer than a caller keeps a silent connection.
            timeout_keep_alive=75,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
    )
    sys.stdout.write(f"{gateway.title} {options.address} → {section}\n")
    sys.stdout.flush()
    server.run()


def read_options(arguments: Sequence[str], *, default_port: int) -> Options:
    """The command line as `Options`."""
    parser = argparse.ArgumentParser(description="A gateway simulator. No real money moves.")
    parser.add_argument("--port", type=int, default=default_port)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--data-dir", type=Path, required=True, help="records and keys")
    parser.add_argument(
        "--notify-base", default="http://127.0.0.1:8000", help="where pushes go: the API's address"
    )
    parser.add_argument(
        "--retry-seconds",
        default=",".join(f"{seconds:g}" for seconds in Options(Path(), 0).retry_seconds),
        help="waits before each repeat of a notice, separated by commas",
    )
    parser.add_argument(
        "--any-target", action="store_true", help="let notices leave this machine too"
    )
    given = parser.parse_args(arguments)
    return Options(
        data_dir=given.data_dir,
        port=given.port,
        host=given.host,
        notify_base=given.notify_base.rstrip("/"),
        retry_seconds=tuple(float(wait) for wait in given.retry_seconds.split(",") if wait),
        any_target=given.any_target,
    )


def build_application(gateway: Gateway) -> Starlette:
    """Everything the gateway answers."""

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        gateway.resume()
        yield
        await gateway.sender.close()
        gateway.journal.close()

    routes = [
        Route(operation.path, _endpoint(gateway, operation), methods=list(operation.methods))
        for operation in gateway.operations()
    ]
    return Starlette(
        routes=[
            *routes,
            *control_routes(gateway),
            *cashier_routes(gateway),
            *page_routes(gateway),
        ],
        lifespan=lifespan,
    )


def _endpoint(gateway: Gateway, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        began = time.monotonic()
        call = await _read_call(request, operation.name)
        name = gateway.name_call(call, operation)
        call = msgspec.structs.replace(call, operation=name)
        gateway.calls[name] += 1
        fault = gateway.faults.take("call", name)
        if fault is NOTHING_WRONG:
            made = gateway.seal(call, operation.handle(call), fault)
        else:
            made = await _answer_badly(gateway, operation, call, fault)
            if fault.lose_reply:
                request.scope["transport"].abort()
                # The server learns of it in the loop's next round, and then writes nothing.
                await asyncio.sleep(0.01)
        took_ms = (time.monotonic() - began) * 1000
        gateway.outcomes.append(Outcome(name, made.status, round(took_ms, 1)))
        return Response(
            made.body, made.status, headers=dict(made.headers), media_type=made.media_type
        )

    return answer


async def _answer_badly(gateway: Gateway, operation: Operation, call: Call, fault: Fault) -> Answer:
    if fault.latency_ms:
        await asyncio.sleep(fault.latency_ms / 1000)
    if fault.hang:
        await asyncio.sleep(HANG_SECONDS)
    if fault.status is not None or fault.code is not None:
        made = gateway.error_of(call, fault.status or 400, fault.code)
    elif fault.quota is not None:
        made = gateway.quota_error(call)
    else:
        made = operation.handle(call)
    if fault.status_after is not None:
        made = gateway.error_of(call, fault.status_after, None)
    if fault.reply_late_ms:
        await asyncio.sleep(fault.reply_late_ms / 1000)
    return gateway.seal(call, made, fault)


async def _read_call(request: Request, operation: str) -> Call:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BODY_BYTES:
            break
    headers = Headers(scope=request.scope)
    return Call(
        operation=operation,
        method=request.method,
        path=request.scope["raw_path"].decode("latin-1"),
        query=request.scope["query_string"].decode("latin-1"),
        parameters=request.path_params,
        headers=dict(headers.items()),
        body=bytes(body[: BODY_BYTES + 1]),
    )


class CuttableProtocol(HttpToolsProtocol):
    """Lets a handler cut the connection: its transport stands in the request's scope."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["transport"] = self.transport  # type: ignore[typeddict-unknown-key]
