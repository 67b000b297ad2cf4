"""Imports items from NDJSON of any size: good lines are kept, bad ones reported.

A line is a whole guide (it has `service_code`) or a row of a known source. Each
batch is one transaction that also notes how far the file was read, so a killed
import goes on after its last batch; a finished file is not read twice. Findings
never keep a line of others' data out; what cannot be read or mapped is a fault
with its line number, field and reason.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import msgspec
from msgspec import Struct

from api.catalogue import queries
from api.catalogue.lint_guide import lint_guide
from api.catalogue.publish_services import Linted, publish_batch
from api.catalogue.rows import ImportFault, ImportRow
from api.catalogue.schemas import Guide
from api.catalogue.translate_source import SourceRow, SourceWrong, translate
from api.statements import Connection

BATCH_LINES = 2000
LINE_LIMIT_BYTES = 1024 * 1024

Progress = Callable[[int, int], None]


class Imported(Struct, frozen=True):
    """What an import did. `resumed_at_line` is 0 for one that began at the top."""

    import_id: int
    lines: int
    kept: int
    refused: int
    resumed_at_line: int
    already_finished: bool


class Line(Struct, frozen=True):
    """One line of a file: its number from 1, its bytes, and the offset just behind it."""

    number: int
    content: bytes
    end_offset: int


async def import_file(
    connection: Connection,
    path: Path,
    *,
    today: date,
    progress: Progress,
    publisher: str | None = None,
) -> Imported:
    """Import a file; `progress(bytes_done, bytes_total)` after each batch."""
    total = path.stat().st_size  # noqa: ASYNC240 (a command: nobody else waits for this loop)
    state = await _open_import(connection, path)
    if state.finished:
        return _report(state, 0, already_finished=True)
    resumed_at = state.lines_done
    who = publisher or f"import:{path.name}"
    for batch in _batches(read_lines(path, state.bytes_done, state.lines_done)):
        async with connection.transaction():
            state = await _import_batch(connection, state, batch, who, today)
            await _note(connection, state, finished=False)
        progress(state.bytes_done, total)
    await _note(connection, state, finished=True)
    return _report(state, resumed_at)


async def _open_import(connection: Connection, path: Path) -> ImportRow:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    found: ImportRow | None = await queries.find_import(connection, digest=digest)
    if found is not None:
        return found
    import_id = await queries.start_import(connection, file_name=path.name, digest=digest)
    if import_id is None:
        raise AssertionError("an insert gives its key")
    return ImportRow(import_id, 0, 0, 0, 0, finished=False)


async def _import_batch(
    connection: Connection, state: ImportRow, batch: list[Line], publisher: str, today: date
) -> ImportRow:
    rounds, faults = _sort_lines(batch)
    kept = 0
    for guides in rounds:
        await _refuse_foreign_codes(connection, guides, faults)
        linted = [Linted(g, lint_guide(g, today)) for _, g in guides.values()]
        if linted:
            await publish_batch(connection, linted, publisher=publisher, today=today)
        kept += len(linted)
    if faults:
        await queries.store_import_faults(
            connection,
            import_id=state.import_id,
            line_numbers=[f.line_number for f in faults],
            fields=[f.field for f in faults],
            reasons=[f.reason for f in faults],
        )
    return msgspec.structs.replace(
        state,
        bytes_done=batch[-1].end_offset,
        lines_done=batch[-1].number,
        items_kept=state.items_kept + kept,
        lines_refused=state.lines_refused + len(faults),
    )


Round = dict[str, tuple[int, Guide]]


def _sort_lines(batch: list[Line]) -> tuple[list[Round], list[ImportFault]]:
    """The batch's guides by service code, in rounds: a code named again is a later version."""
    rounds: list[Round] = [{}]
    faults: list[ImportFault] = []
    for line in batch:
        try:
            guide = read_guide(line.content)
        except SourceWrong as error:
            faults.append(ImportFault(line.number, error.field, error.reason))
            continue
        if guide is None:
            continue
        turn = next((n for n, r in enumerate(rounds) if guide.service_code not in r), len(rounds))
        if turn == len(rounds):
            rounds.append({})
        rounds[turn][guide.service_code] = (line.number, guide)
    return rounds, faults


async def _refuse_foreign_codes(
    connection: Connection, guides: Round, faults: list[ImportFault]
) -> None:
    """A service code that already belongs to another local code is not overwritten."""
    held = await queries.list_local_codes_of(connection, service_codes=list(guides))
    for pair in held:
        number, guide = guides[pair.first]
        if pair.second and guide.local_code and pair.second != guide.local_code:
            del guides[pair.first]
            reason = f"该实施编码已属于本地编码“{pair.second}”"
            faults.append(ImportFault(number, "service_code", reason))


def read_guide(content: bytes) -> Guide | None:
    """A line as a guide; None for an empty one. Raises SourceWrong with field and reason."""
    if not content.strip():
        return None
    if len(content) > LINE_LIMIT_BYTES:
        raise SourceWrong("", f"一行超过 {LINE_LIMIT_BYTES} 字节")
    try:
        keys = _KEYS.decode(content)
        if keys.item_code is not msgspec.UNSET and keys.service_code is msgspec.UNSET:
            return translate(_SOURCE.decode(content))
        return _GUIDE.decode(content)
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `")
        raise SourceWrong(place.rstrip("`").removeprefix("$."), reason) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise SourceWrong("", "不是一行合法的 UTF-8 JSON") from None


class _Keys(Struct):
    """Which of the two kinds of line it is."""

    service_code: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    item_code: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_KEYS = msgspec.json.Decoder(_Keys)
_GUIDE = msgspec.json.Decoder(Guide)
_SOURCE = msgspec.json.Decoder(SourceRow)


def read_lines(path: Path, offset: int, lines_done: int) -> Iterator[Line]:
    """The file's lines from a byte offset on; an over-long line is cut and later refused."""
    with path.open("rb") as file:
        file.seek(offset)
        number = lines_done
        while content := file.readline(LINE_LIMIT_BYTES + 1):
            number += 1
            whole = content
            while whole and not whole.endswith(b"\n") and len(whole) > LINE_LIMIT_BYTES:
                whole = file.readline(LINE_LIMIT_BYTES + 1)
            yield Line(number, content, file.tell())


def _batches(lines: Iterator[Line]) -> Iterator[list[Line]]:
    batch: list[Line] = []
    for line in lines:
        batch.append(line)
        if len(batch) == BATCH_LINES:
            yield batch
            batch = []
    if batch:
        yield batch


async def _note(connection: Connection, state: ImportRow, *, finished: bool) -> None:
    await queries.advance_import(
        connection,
        import_id=state.import_id,
        bytes_done=state.bytes_done,
        lines_done=state.lines_done,
        items_kept=state.items_kept,
        lines_refused=state.lines_refused,
        finished=finished,
    )


def _report(state: ImportRow, resumed_at: int, *, already_finished: bool = False) -> Imported:
    return Imported(
        import_id=state.import_id,
        lines=state.lines_done,
        kept=state.items_kept,
        refused=state.lines_refused,
        resumed_at_line=resumed_at,
        already_finished=already_finished,
    )
