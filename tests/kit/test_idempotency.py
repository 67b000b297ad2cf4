"""Same key: one effect, the same bytes. Whatever dies, whenever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest

from api import idempotency
from api.database import Database, open_database
from api.errors import (
    Conflict,
    IdempotencyKeyMissing,
    IdempotencyKeyReused,
    Problem,
    RequestInProgress,
)
from api.idempotency import (
    Answer,
    Keyed,
    fingerprint,
    forget_expired,
    read_key,
    remember,
    remember_around,
)
from api.settings import Settings
from api.statements import Connection


@pytest.fixture(autouse=True)
async def effects(database: Database) -> AsyncIterator[None]:
    """A table of the tests' own that stands for a feature's."""
    async with database.connection() as connection:
        await connection.execute(
            "create table if not exists test_effects (id bigint generated always as identity,"
            " name text not null)"
        )
        await connection.execute("truncate test_effects, idempotency_keys")
    yield
    async with database.connection() as connection:
        await connection.execute("drop table test_effects")


def keyed(key: str = "k-1", body: bytes = b"{}", owner: str = "citizen:1") -> Keyed:
    return Keyed(owner, key, fingerprint("POST", "/v1/cases", body))


async def make_effect(connection: Connection) -> Answer:
    number = await connection.fetchval("insert into test_effects (name) values ('a') returning id")
    await asyncio.sleep(0.02)
    return Answer(201, b'{"case":%d}' % number, {"Location": f"/v1/cases/{number}", "ETag": '"1"'})


async def count_effects(database: Database) -> int:
    async with database.connection() as connection:
        return int(await connection.fetchval("select count(*) from test_effects"))


def encoded(answer: Answer) -> bytes:
    return msgspec.json.encode(answer)


async def test_repeats_get_the_same_bytes_and_do_nothing(
    database: Database, settings: Settings
) -> None:
    answers = [await remember(database, settings, keyed(), make_effect) for _ in range(3)]
    assert len({encoded(answer) for answer in answers}) == 1
    assert answers[0].status == 201
    assert list(answers[0].headers) == ["ETag", "Location"]
    assert await count_effects(database) == 1


async def test_sixty_four_at_once_on_two_workers_have_one_effect(
    database: Database, settings: Settings
) -> None:
    other = await open_database(settings.database_url, settings)
    answers = await asyncio.gather(
        *(
            remember((database, other)[number % 2], settings, keyed(), make_effect)
            for number in range(64)
        )
    )
    await other.close()
    assert len({encoded(answer) for answer in answers}) == 1
    assert await count_effects(database) == 1


async def test_other_keys_and_other_owners_are_other_requests(
    database: Database, settings: Settings
) -> None:
    for request in (keyed(), keyed("k-2"), keyed(owner="citizen:2")):
        await remember(database, settings, request, make_effect)
    assert await count_effects(database) == 3


async def test_another_payload_under_the_key_is_refused(
    database: Database, settings: Settings
) -> None:
    await remember(database, settings, keyed(), make_effect)
    with pytest.raises(IdempotencyKeyReused):
        await remember(database, settings, keyed(body=b'{"a":1}'), make_effect)
    assert await count_effects(database) == 1


async def test_a_long_first_request_makes_repeats_hear_409(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "WAIT_SECONDS", 0.1)
    go_on = asyncio.Event()

    async def slow(connection: Connection) -> Answer:
        await go_on.wait()
        return await make_effect(connection)

    first = asyncio.create_task(remember(database, settings, keyed(), slow))
    await asyncio.sleep(0.05)
    with pytest.raises(RequestInProgress) as refused:
        await remember(database, settings, keyed(), slow)
    assert refused.value.headers == {"Retry-After": "1"}
    go_on.set()
    answer = await first
    assert await remember(database, settings, keyed(), slow) == answer


async def test_a_failure_leaves_neither_effect_nor_key(
    database: Database, settings: Settings
) -> None:
    async def fail(connection: Connection) -> Answer:
        await make_effect(connection)
        raise Conflict()

    with pytest.raises(Conflict):
        await remember(database, settings, keyed(), fail)
    assert await count_effects(database) == 0
    await remember(database, settings, keyed(body=b"mended"), make_effect)
    assert await count_effects(database) == 1


async def test_a_request_killed_in_the_middle_leaves_nothing(
    database: Database, settings: Settings
) -> None:
    reached = asyncio.Event()

    async def hang(connection: Connection) -> Answer:
        await make_effect(connection)
        reached.set()
        await asyncio.sleep(60)
        raise AssertionError

    first = asyncio.create_task(remember(database, settings, keyed(), hang))
    await reached.wait()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    await remember(database, settings, keyed(), make_effect)
    assert await count_effects(database) == 1


async def test_a_killed_connection_leaves_nothing(database: Database, settings: Settings) -> None:
    async def lose_connection(connection: Connection) -> Answer:
        await make_effect(connection)
        await connection.execute("select pg_terminate_backend(pg_backend_pid())")
        raise AssertionError

    with pytest.raises(Problem):
        await remember(database, settings, keyed(), lose_connection)
    await remember(database, settings, keyed(), make_effect)
    assert await count_effects(database) == 1


async def test_an_expired_key_is_free_again(database: Database, settings: Settings) -> None:
    first = await remember(database, settings, keyed(), make_effect)
    async with database.connection() as connection:
        await connection.execute("update idempotency_keys set expires_at = now()")
    second = await remember(database, settings, keyed(body=b"other"), make_effect)
    assert second != first
    async with database.connection() as connection:
        assert await forget_expired(connection) == 0
        await connection.execute("update idempotency_keys set expires_at = now()")
        assert await forget_expired(connection) == 1


class Outside:
    """A payment gateway: counts distinct numbers, can fail after it has acted."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.begun_again: list[bool] = []
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def begin(self, connection: Connection, again: bool) -> int:
        self.begun_again.append(again)
        if again:
            return int(await connection.fetchval("select max(id) from test_effects"))
        statement = "insert into test_effects (name) values ('intent') returning id"
        return int(await connection.fetchval(statement))

    async def call(self, number: int) -> int:
        self.numbers.append(number)
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return number

    async def finish(self, connection: Connection, number: int) -> Answer:
        await connection.execute("update test_effects set name = 'done' where id = $1", number)
        return Answer(201, b"%d" % number, {"Location": f"/{number}"})

    async def request(self, database: Database, settings: Settings, body: bytes = b"") -> Answer:
        return await remember_around(
            database, settings, keyed(body=body), self.begin, self.call, self.finish
        )


async def test_an_outside_call_is_made_once_for_many_at_once(
    database: Database, settings: Settings
) -> None:
    outside = Outside()
    answers = await asyncio.gather(*(outside.request(database, settings) for _ in range(64)))
    assert len({encoded(answer) for answer in answers}) == 1
    assert outside.numbers == [outside.numbers[0]]
    assert await count_effects(database) == 1


async def test_no_connection_is_held_during_an_outside_call(
    make_settings: Callable[..., Settings],
) -> None:
    settings = make_settings(database_pool_size=1, database_acquire_seconds=0.2)
    database = await open_database(settings.database_url, settings)
    outside = Outside()
    outside.gate.clear()
    first = asyncio.create_task(outside.request(database, settings))
    while not outside.numbers:  # noqa: ASYNC110 (the list has no event)
        await asyncio.sleep(0.01)
    assert await count_effects(database) == 1
    outside.gate.set()
    await first
    await database.close()


async def test_an_open_outcome_is_resolved_by_the_same_key_with_the_same_number(
    database: Database, settings: Settings
) -> None:
    outside = Outside()
    outside.error = TimeoutError()
    with pytest.raises(TimeoutError):
        await outside.request(database, settings)
    with pytest.raises(IdempotencyKeyReused):
        await outside.request(database, settings, body=b"other")
    outside.error = None
    answer = await outside.request(database, settings)
    assert outside.begun_again == [False, True]
    assert len(set(outside.numbers)) == 1
    assert await outside.request(database, settings) == answer
    assert await count_effects(database) == 1


async def test_a_refusal_from_outside_frees_the_key(database: Database, settings: Settings) -> None:
    outside = Outside()
    outside.error = Conflict()
    with pytest.raises(Conflict):
        await outside.request(database, settings)
    outside.error = None
    await outside.request(database, settings, body=b"mended")
    assert outside.begun_again == [False, False]


async def test_a_dead_process_claim_is_taken_over_and_its_straggler_changes_nothing(
    database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idempotency, "WAIT_SECONDS", 0.1)
    straggler = Outside()
    straggler.gate.clear()
    late = asyncio.create_task(straggler.request(database, settings))
    while not straggler.numbers:  # noqa: ASYNC110 (the list has no event)
        await asyncio.sleep(0.01)
    successor = Outside()
    with pytest.raises(RequestInProgress):
        await successor.request(database, settings)
    async with database.connection() as connection:
        await connection.execute(
            "update idempotency_keys set created_at = created_at - make_interval(secs => $1)",
            2 * settings.app_deadline_seconds,
        )
    answer = await successor.request(database, settings)
    assert successor.begun_again == [True]
    straggler.gate.set()
    with pytest.raises(RequestInProgress):
        await late
    assert await successor.request(database, settings) == answer
    assert await count_effects(database) == 1


@pytest.mark.parametrize("header", [None, "", " ", "a b", "a" * 256, "键", "a\n", "a\x00"])
def test_a_missing_or_invisible_key_is_refused(header: str | None) -> None:
    with pytest.raises(IdempotencyKeyMissing):
        read_key(header)


def test_a_visible_key_is_taken_as_it_is() -> None:
    assert read_key('"8e03978e-40d5"') == '"8e03978e-40d5"'


def test_fingerprints_tell_method_target_and_body_apart() -> None:
    made = {
        fingerprint("POST", "/v1/cases", b"x"),
        fingerprint("PUT", "/v1/cases", b"x"),
        fingerprint("POST", "/v1/cases?x", b""),
        fingerprint("POST", "/v1/cases", b""),
    }
    assert len(made) == 4
