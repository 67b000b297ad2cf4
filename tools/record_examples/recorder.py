"""Calls the service and keeps the first exchange of each operation with each status."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from msgspec import Struct, structs

from tools.record_examples.plain_values import PlainValues, shorten

# Where `make run` puts the service and the gateways.
PORTS = (8000, 8101, 8102)
METHODS = ("get", "post", "put", "patch", "delete")


class Exchange(Struct, frozen=True, omit_defaults=True):
    """One call and its answer. `operation` is method and path as the document writes them."""

    operation: str
    status: int
    parameters: dict[str, Any] = {}
    body: Any = None
    answer: Any = None


class Who(Struct, frozen=True):
    """By what a caller is known."""

    headers: dict[str, str] = {}
    signature: httpx.Auth | None = None


NOBODY = Who()


class Recorder:
    """A running service, and what was said to it so far. `folder` is its DATA_DIR."""

    def __init__(self, address: str, folder: Path) -> None:
        self.folder = folder
        self.plain = PlainValues()
        self._client = httpx.Client(base_url=address, timeout=30)
        self._kept: dict[tuple[str, int], Exchange] = {}
        self._gateways = _gateways_of(address)
        for port, known in zip(PORTS, (address, *self._gateways.values()), strict=True):
            self.plain.show(known.rstrip("/"), f"http://127.0.0.1:{port}")

    @property
    def demonstration(self) -> Any:
        """What `up` wrote down for newcomers."""
        return json.loads((self.folder / "demonstration.json").read_bytes())

    def call(
        self,
        who: Who,
        operation: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        files: dict[str, Any] | None = None,
        kept: bool = True,
        **given: Any,
    ) -> Any:
        """Make the call, demand success, keep it unless one was kept; gives the answer.

        `given` are parameters of path and query, `headers` such as belong to the operation.
        """
        method, path = operation.split()
        if kept and method != "GET":
            self.plain.tick()
        request = self._client.build_request(
            method,
            path.format(**given),
            params={name: value for name, value in given.items() if f"{{{name}}}" not in path},
            json=body,
            files=files,
            headers={**who.headers, **(headers or {})},
        )
        answer = self._client.send(request, auth=who.signature)
        if not answer.is_success:
            raise SystemExit(f"{operation}: {answer.status_code} {answer.text}")
        said = answer.json() if answer.content else None
        if kept and (operation, answer.status_code) not in self._kept:
            parameters = {**given, **(headers or {})}
            exchange = Exchange(operation, answer.status_code, parameters, body, shorten(said))
            self._kept[operation, answer.status_code] = exchange
        return said

    def control(self, channel: str, method: str, path: str, body: Any = None) -> Any:
        """What a person does with the phone, told to the gateway's simulator."""
        answer = httpx.request(
            method, f"{self._gateways[channel]}/_control{path}", json=body, timeout=30
        )
        return answer.raise_for_status().json()

    def plain_exchanges(self) -> Iterator[Exchange]:
        """Everything kept, without what is secret or random."""
        for exchange in self._kept.values():
            yield structs.replace(
                exchange,
                parameters=self.plain.plain(exchange.parameters),
                body=self.plain.plain(exchange.body),
                answer=self.plain.plain(exchange.answer),
            )

    def unrecorded(self) -> list[str]:
        """The operations of the document of which nothing was kept."""
        document = self._client.get("/schema/openapi.json").json()
        operations = {
            f"{method.upper()} {path}"
            for path, methods in document["paths"].items()
            for method in METHODS
            if method in methods
        }
        return sorted(operations - {operation for operation, _ in self._kept})


def _gateways_of(address: str) -> dict[str, str]:
    """Their ports follow the service's."""
    url = httpx.URL(address)
    port = url.port or 80
    return {
        name: str(url.copy_with(port=port + offset)).rstrip("/")
        for name, offset in (("wechat", 101), ("alipay", 102))
    }
