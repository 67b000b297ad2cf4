"""Every environment variable in one frozen struct, with units and defaults.

The only place that reads `os.environ`. `.env.example` is drawn from this struct
(`python -m api doctor --environment`) and a test keeps the two equal.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
from dotenv import dotenv_values
from msgspec import Meta, Struct

PROJECT = Path(__file__).resolve().parent.parent


def _about(text: str, **bounds: Any) -> Meta:
    return Meta(description=text, **bounds)


class Settings(Struct, frozen=True, kw_only=True):
    """The service's configuration. Names are the environment variables in lower case."""

    environment: Annotated[
        Literal["demonstration", "production"],
        _about("demonstration makes keys and data of its own; production demands real ones"),
    ] = "demonstration"
    database_url: Annotated[
        str, _about("PostgreSQL 16+ address; empty starts the embedded PostgreSQL 18")
    ] = ""
    redis_url: Annotated[
        str, _about("Redis 7+/Valkey 8+ address; empty starts the embedded Valkey; off = no cache")
    ] = ""
    data_dir: Annotated[
        str, _about("folder of the embedded servers, files, logs and keys, made with mode 0700")
    ] = ".data"
    files_url: Annotated[
        str, _about("where forms and uploads live: file:///folder or s3://bucket; empty: DATA_DIR")
    ] = ""
    host: Annotated[str, _about("address to listen on")] = "127.0.0.1"
    port: Annotated[int, _about("TCP port to listen on", ge=1, le=65000)] = 8000
    workers: Annotated[int, _about("server processes", ge=1, le=256)] = 1
    public_url: Annotated[
        str, _about("address that citizens see, without trailing slash; empty: http://HOST:PORT")
    ] = ""
    secret_key: Annotated[
        str,
        _about("signs cursors and tokens, ≥ 32 characters; made in DATA_DIR when empty"),
    ] = ""
    cors_origins: Annotated[
        str, _about("web origins allowed to call, comma separated; empty: none")
    ] = ""
    trusted_proxies: Annotated[
        str, _about("networks whose X-Forwarded-For is believed, comma separated CIDR; empty: none")
    ] = ""
    docs_enabled: Annotated[bool, _about("serve the OpenAPI document and its page at /schema")] = (
        True
    )
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], _about("least severe line that is written")
    ] = "info"
    log_format: Annotated[
        Literal["auto", "json", "console"], _about("auto: console on a terminal, else JSON lines")
    ] = "auto"
    database_pool_size: Annotated[int, _about("connections per process", ge=1, le=500)] = 12
    database_acquire_seconds: Annotated[
        float, _about("longest wait for a free connection, seconds", gt=0, le=10)
    ] = 0.3
    database_statement_seconds: Annotated[
        float, _about("longest single statement on the request path, seconds", gt=0, le=60)
    ] = 2.0
    database_lock_seconds: Annotated[
        float, _about("longest wait for a row lock on the request path, seconds", gt=0, le=10)
    ] = 0.5
    redis_timeout_seconds: Annotated[
        float, _about("longest wait for one Redis command, seconds", gt=0, le=1)
    ] = 0.05
    redis_pool_size: Annotated[int, _about("Redis connections per process", ge=1, le=500)] = 32
    body_limit_bytes: Annotated[
        int, _about("largest request body, bytes; uploads have their own", ge=1024, le=10_485_760)
    ] = 65536
    body_seconds: Annotated[
        float, _about("longest time to send a request body, seconds", gt=0, le=60)
    ] = 5.0
    upload_limit_bytes: Annotated[
        int, _about("largest uploaded file, bytes", ge=1024, le=104_857_600)
    ] = 10_485_760
    app_deadline_seconds: Annotated[
        float, _about("a request that takes longer is answered 503, seconds", gt=0, le=60)
    ] = 8.0
    in_flight_limit: Annotated[
        int,
        _about("requests handled at once per process; the rest wait or get 503", ge=1, le=10_000),
    ] = 96
    queue_limit: Annotated[
        int, _about("requests that may wait for a place per process", ge=0, le=100_000)
    ] = 256
    queue_seconds: Annotated[
        float, _about("longest wait for a place before 503, seconds", ge=0, le=10)
    ] = 0.3
    rate_reads_per_second: Annotated[
        int, _about("public reads per second and address; burst is twice that", ge=1)
    ] = 5000
    rate_searches_per_second: Annotated[
        int, _about("searches per second and address; burst is twice that", ge=1)
    ] = 500
    rate_writes_per_second: Annotated[
        int, _about("writes per second and caller; burst is twice that", ge=1)
    ] = 50
    rate_platforms_per_second: Annotated[
        int, _about("signed calls per second and address; burst is twice that", ge=1)
    ] = 1000
    rate_notices_per_second: Annotated[
        int, _about("notices of channels per second and address; burst is twice that", ge=1)
    ] = 5000
    cache_seconds: Annotated[
        int, _about("how long a cached answer may be served without a look at PostgreSQL", ge=1)
    ] = 60
    idempotency_hours: Annotated[
        int, _about("how long an Idempotency-Key is kept, hours", ge=1)
    ] = 24
    channels_file: Annotated[
        str, _about("TOML file with a section per channel; empty: channels.toml in DATA_DIR")
    ] = ""
    key_provider: Annotated[
        str, _about("what wraps the data keys: file, or an installed entry point of zhangban.keys")
    ] = "file"
    keys_file: Annotated[
        str, _about("file with the key-encryption keys; empty: keys.json, made in DATA_DIR")
    ] = ""
    field_algorithm: Annotated[
        Literal["aes-256-gcm", "sm4-gcm"], _about("how personal fields are encrypted from now on")
    ] = "aes-256-gcm"
    session_days: Annotated[
        int, _about("how long a citizen stays signed in, days", ge=1, le=365)
    ] = 30
    clerk_session_hours: Annotated[
        int, _about("how long a clerk stays signed in at most, hours", ge=1, le=24)
    ] = 12
    clerk_idle_minutes: Annotated[
        int, _about("a clerk who does nothing for so long is signed out, minutes", ge=1, le=240)
    ] = 30
    antivirus_address: Annotated[
        str, _about("HOST:PORT of clamd, which scans uploads; empty: they are marked unscanned")
    ] = ""
    platform_calls_per_day: Annotated[
        int, _about("calls a day a new platform key may make", ge=1)
    ] = 1_000_000
    platform_calls_per_second: Annotated[
        int, _about("calls a second a new platform may make; burst is twice that", ge=1, le=100_000)
    ] = 200
    webhook_private_networks: Annotated[
        str,
        _about("networks webhooks may go to although private, comma separated CIDR; empty: none"),
    ] = ""
    quiet_hours: Annotated[
        str,
        _about(
            "no messages between these hours of the day, HH-HH; empty: at any time",
            pattern=r"\A([0-9]{2}-[0-9]{2})?\Z",
        ),
    ] = "22-08"
    payment_minutes: Annotated[
        int, _about("how long a payment that was begun can be paid, minutes", ge=2, le=1440)
    ] = 90
    failpoint: Annotated[
        str, _about("a step at which a process ends itself, to test crashes; empty in production")
    ] = ""
    jobs_concurrency: Annotated[
        int, _about("jobs run at once per worker process", ge=1, le=200)
    ] = 10

    @property
    def data_path(self) -> Path:
        """The data folder as an absolute path, relative ones taken from the project's root."""
        return (PROJECT / self.data_dir).resolve()

    @property
    def public_address(self) -> str:
        """What links in answers start with."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def channels_path(self) -> Path:
        """The file that says how each channel is reached."""
        return Path(self.channels_file or self.data_path / "channels.toml")

    @property
    def files_address(self) -> str:
        """Where obstore keeps files."""
        return self.files_url or f"file://{self.data_path / 'files'}"


class SettingsWrong(Exception):
    """A variable has a value that cannot be used; the text names it and says how to mend it."""


def load_settings(environ: dict[str, str] | None = None) -> Settings:
    """Read `.env` and then the process environment, which wins.

    Raises SettingsWrong with the variable's name, the value's fault and the rule.
    """
    if environ is None:
        dotenv = {k: v for k, v in dotenv_values(PROJECT / ".env").items() if v is not None}
        environ = {**dotenv, **os.environ}
    values = {f: environ[f.upper()] for f in Settings.__struct_fields__ if environ.get(f.upper())}
    hints = get_type_hints(Settings, include_extras=True)
    read: dict[str, Any] = {}
    for field, value in values.items():
        try:
            read[field] = msgspec.convert(value, hints[field], strict=False)
        except msgspec.ValidationError as error:
            raise SettingsWrong(f"{field.upper()}: {error}") from None
    settings = Settings(**read)
    _check_production(settings)
    return settings


def _check_production(settings: Settings) -> None:
    if settings.environment != "production":
        return
    if settings.failpoint:
        raise SettingsWrong("FAILPOINT must be empty where ENVIRONMENT=production")
    missing = [n for n in ("database_url", "secret_key", "public_url") if not getattr(settings, n)]
    if missing:
        names = ", ".join(name.upper() for name in missing)
        raise SettingsWrong(f"ENVIRONMENT=production needs {names}; see .env.example")
    if len(settings.secret_key) < 32:
        raise SettingsWrong("SECRET_KEY: at least 32 characters, e.g. `openssl rand -hex 32`")


def secret_key(settings: Settings) -> bytes:
    """The signing key: from SECRET_KEY, else one made once in the data folder (mode 0600)."""
    if settings.secret_key:
        return settings.secret_key.encode()
    path = settings.data_path / "secret_key"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32))
    return path.read_bytes()


def draw_example() -> str:
    """The text of `.env.example`: every variable, what it means, its default."""
    hints = get_type_hints(Settings, include_extras=True)
    lines = ["# Every variable of the service. Copy to .env and change what you need.", ""]
    for field in msgspec.structs.fields(Settings):
        meta = hints[field.name].__metadata__[0]
        default = str(field.default).lower() if isinstance(field.default, bool) else field.default
        lines += [f"# {meta.description}", f"{field.name.upper()}={default}", ""]
    return "\n".join(lines)
