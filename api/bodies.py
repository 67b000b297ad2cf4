"""Says in the OpenAPI document what our decoders do: unknown fields are refused."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


def close_bodies(schemas: dict[str, Any]) -> None:
    """Put `additionalProperties: false` on every schema whose struct forbids unknown fields."""
    strict = {kind.__name__ for kind in _structs(Struct) if _forbids(kind)}
    loose = {kind.__name__ for kind in _structs(Struct) if not _forbids(kind)}
    for name, schema in schemas.items():
        title = str(schema.get("title", name))
        if title in strict and title not in loose:
            schema["additionalProperties"] = False


def _forbids(kind: type[Struct]) -> bool:
    return kind.__struct_config__.forbid_unknown_fields


def _structs(kind: type[Struct]) -> list[type[Struct]]:
    below = kind.__subclasses__()
    return below + [found for struct in below for found in _structs(struct)]
