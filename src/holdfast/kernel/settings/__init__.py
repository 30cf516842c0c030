"""Typed settings from the environment and `.env`: each is read as `HOLDFAST_X`, then as `X`.

The environment goes before `.env`; an empty value counts as not given. `explain` says where each value came from,
`refusals` what production does not accept.
"""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import quote

from pydantic import Field, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy.engine import URL

from holdfast.kernel.engines.addresses import normalise_url
from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.settings.kept import SECRET_BYTES, kept_secret
from holdfast.kernel.settings.values import (
    Address,
    DatabaseKind,
    Encryption,
    Environment,
    Level,
    Milliseconds,
    Moment,
    Names,
    Origins,
    Proxies,
    PublicKey,
    ScanPolicy,
    StorageKind,
)
from holdfast.kernel.settings.variables import PREFIX, Variables, env_names, normalised_as

_MASK = "********"
_REQUIRED = {
    "secret_key": "SECRET_KEY is required in production: at least 32 random bytes.",
    "database_url": "DATABASE_URL is required in production (or SQLALCHEMY_DATABASE_URL, or DB_NAME …).",
}
_PLACEHOLDERS = (
    *("changeme", "changethis", "replaceme", "replacethis", "yoursecret", "secretkey", "placeholder", "insecure"),
    *("password", "example", "supersecret", "generateme", "0123456789", "abcdefgh"),
)


def _secret(data: dict[str, Any]) -> str:
    return kept_secret(data["holdfast_home"])


def _embedded(data: dict[str, Any]) -> str:
    return "sqlite:///" + quote(str(data["holdfast_home"].absolute() / "holdfast.db"))


class Settings(BaseSettings):
    """Everything an operator can set; a field that must not be shown has `repr=False`.

    Raises ConfigurationError, one line that names the variable, for a value that cannot be used.
    """

    model_config = SettingsConfigDict(
        env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True, hide_input_in_errors=True
    )

    given_by: tuple[tuple[str, str], ...] = Field((), exclude=True, repr=False)

    # The installation
    app_name: str = Field("Holdfast", min_length=1, description="Name shown to people.")
    environment: Environment = Field("development", description="development, staging, production or test.")
    debug: bool = Field(False, description="Statements in the log; refused in production.")
    demo: bool = Field(False, description="Demo organisations and sign-ins; binds to loopback only.")
    holdfast_home: Path = Field(Path("./var"), description="Folder of the embedded database, files and keys.")
    secret_key: str = Field(
        default_factory=_secret,
        repr=False,
        description="Root of the keys for sessions and links, at least 32 random bytes; required in production, "
        "elsewhere generated into HOLDFAST_HOME/secret_key.",
    )
    master_key: str = Field(
        "",
        repr=False,
        description="Keys that wrap those of the organisations, separated by commas, the one in use first; without it "
        "they stand in HOLDFAST_HOME/master_keys. `holdfast keys init` makes the file, and the start where ENVIRONMENT "
        "is not production.",
    )
    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on.")
    workers: int = Field(1, ge=1, le=256, description="Number of server processes.")
    shutdown_seconds: int = Field(10, ge=0, description="How long a stopping server waits for running requests.")
    public_url: Address = Field("", description="Address under which people reach the installation, for links.")
    read_only: bool = Field(False, description="Refuse every change, for maintenance.")

    # Databases
    database_url: str = Field(
        default_factory=_embedded,
        repr=False,
        description="Database address; SQLite under HOLDFAST_HOME where nothing is given; required in production.",
    )
    sqlalchemy_database_url: str = Field("", repr=False, description="Another name of DATABASE_URL.")
    db_type: DatabaseKind = Field("postgresql", description="postgresql, mysql, mariadb or sqlite; with DB_NAME.")
    db_host: str = Field("localhost", description="Database server, instead of DATABASE_URL.")
    db_port: int | None = Field(None, ge=1, le=65535, description="Its port, the database's own where not given.")
    db_name: str = Field("", description="Name of the database there; the file for sqlite.")
    db_user: str = Field("", description="User of the database.")
    db_password: str = Field("", repr=False, description="Password of that user, written as it is.")
    migration_database_url: str = Field("", repr=False, description="Address of the schema's owner, for migrations.")
    migrate_on_start: bool = Field(True, description="Bring the schema up to date when the server starts.")
    allow_sqlite_in_production: bool = Field(False, description="Accept SQLite in production.")
    sqlite_synchronous: Literal["FULL", "NORMAL"] = Field(
        default_factory=lambda data: "NORMAL" if data["demo"] else "FULL",
        description="SQLite's durability: FULL, and NORMAL in demo.",
    )
    pool_size: int = Field(16, ge=1, le=1000, description="Database connections of each process.")
    pool_timeout: float = Field(2.0, gt=0, description="Seconds that a request waits for one, then 503.")
    database_timeout_seconds: float = Field(30.0, gt=0, description="Seconds that a statement may take on a server.")
    pool_recycle: int = Field(1800, ge=0, description="Seconds after which a connection is made anew; 0: never.")
    pool_pre_ping: bool = Field(False, description="Try a connection each time before it is used.")
    slow_query_ms: Milliseconds = Field(500, ge=0, description="Statements slower than this are logged; off: none.")
    log_queries: bool = Field(
        default_factory=lambda data: data["debug"], description="Log every statement; on where DEBUG is."
    )
    redis_url: str = Field(
        "", repr=False, description="Redis address, for limits and a cache that processes share; optional."
    )
    cache_max_mb: int = Field(64, ge=1, le=65536, description="Room for what a process keeps to be faster, in MB.")
    redis_host: str = Field("", description="Redis server, instead of REDIS_URL.")
    redis_port: int = Field(6379, ge=1, le=65535, description="Its port.")
    redis_db: int = Field(0, ge=0, description="Number of the database there.")
    redis_password: str = Field("", repr=False, description="Its password, written as it is.")

    # Requests
    allowed_hosts: Names = Field((), description="Host names that are answered, comma-separated or JSON; empty: all.")
    allowed_origins: Origins = Field(
        (), description="Origins of other front ends (CORS), comma-separated or JSON; * is refused in production."
    )
    trusted_proxies: Proxies = Field((), description="Addresses or networks of proxies whose word counts; or unix.")
    max_body_bytes: int = Field(1_048_576, ge=1024, description="Largest request body in bytes.")
    json_max_depth: int = Field(32, ge=1, le=500, description="Deepest nesting of a JSON body.")
    rate_limit_enabled: bool = Field(True, description="Limit requests; off is refused in production.")
    rate_limit_per_minute: int = Field(60, ge=1, description="Requests a minute of one API credential.")
    legacy_api_alias: bool = Field(True, description="Answer /api/… as an alias of /api/v1/….")
    legacy_api_sunset: Moment | None = Field(None, description="When that alias ends, as 2027-12-31.")

    # Sign-in
    access_token_expire_min: int = Field(15, ge=1, le=1440, description="Minutes of an access token.")
    refresh_token_expire_days: int = Field(7, ge=1, description="Days after which an unused refresh token ends.")
    refresh_token_absolute_days: int = Field(30, ge=1, description="Days after which it ends in any case.")
    session_idle_min: int = Field(30, ge=1, description="Minutes after which an idle console session ends.")
    session_absolute_hours: int = Field(12, ge=1, description="Hours after which it ends in any case.")
    password_min_length: int = Field(15, ge=8, le=128, description="Shortest password where it stands alone.")
    organization_delete_days: int = Field(30, ge=0, description="Days before a deleted organisation's data may go.")
    password_min_length_with_mfa: int = Field(8, ge=8, le=128, description="Shortest beside a second factor.")
    argon2_memory_kib: int = Field(19456, ge=8, description="Argon2id's memory in KiB.")
    argon2_time_cost: int = Field(2, ge=1, description="Argon2id's passes.")
    argon2_parallelism: int = Field(1, ge=1, description="Argon2id's lanes.")

    # Files
    storage: StorageKind = Field("local", description="Where files are kept: local (HOLDFAST_HOME/files) or s3.")
    s3_bucket: str = Field("", description="Bucket for files; with STORAGE=s3.")
    s3_endpoint_url: Address = Field("", description="Address of an S3-compatible service; empty: Amazon's.")
    aws_access_key_id: str = Field("", description="Access key of the bucket; empty: the machine's own role.")
    aws_secret_access_key: str = Field("", repr=False, description="Its secret.")
    aws_region: str = Field("us-east-1", description="Region of the bucket.")
    files_max_bytes: int = Field(5 * 1024**3, ge=1024, description="Largest file in bytes.")
    files_quota_mb: int = Field(10_240, ge=0, description="Room for an organisation's files in MB; 0: no limit.")
    ocr_languages: str = Field(
        "eng",
        pattern=r"^([A-Za-z_]{2,30}(\+[A-Za-z_]{2,30})*)?$",
        description="Languages of tesseract, such as eng+deu, in which text in pictures is read; empty: it is not.",
    )
    clamd: str = Field("", description="Antivirus: unix:/run/clamav/clamd.ctl or tcp://host:3310; empty: none.")
    clamd_timeout_seconds: float = Field(60.0, gt=0, description="Seconds that it may be silent.")
    scan_policy: ScanPolicy = Field(
        "when_available",
        description="off; when_available: what could not be scanned is given out unless its kind of file asks for a "
        "scan; required: nothing is given out before it was scanned.",
    )

    # Jobs
    jobs_in_server: bool = Field(True, description="Run jobs in the server; off where `holdfast worker` does.")
    jobs_concurrency: int = Field(8, ge=1, le=256, description="Jobs that each process runs at once.")
    jobs_lease_seconds: float = Field(
        30.0, ge=1, le=3600, description="Seconds without a sign of life after which another worker takes a job."
    )
    jobs_poll_seconds: float = Field(
        1.0, ge=0.05, le=60, description="Seconds between two looks for jobs that are due."
    )
    jobs_keep_days: int = Field(7, ge=0, description="Days before a job that is done is removed.")
    jobs_keep_failed_days: int = Field(90, ge=0, description="Days before a job that has failed is removed.")

    # Mail
    mail_from: str = Field("", max_length=254, description="Address that mails come from.")
    mail_bounce_to: str = Field("", max_length=254, description="Address that gets what comes back; MAIL_FROM.")
    smtp_host: str = Field("", description="Mail server; without one, mails go into HOLDFAST_HOME/mail.")
    smtp_port: int = Field(587, ge=1, le=65535, description="Its port.")
    smtp_tls: Encryption = Field("starttls", description="starttls, tls (from the first byte) or none.")
    smtp_user: str = Field("", description="User there.")
    smtp_password: str = Field("", repr=False, description="Password of that user.")
    smtp_oauth_token_url: Address = Field("", description="Gives tokens to take the place of the password (XOAUTH2).")
    smtp_oauth_client_id: str = Field("", description="Client that asks for them.")
    smtp_oauth_client_secret: str = Field("", repr=False, description="Its secret.")
    smtp_oauth_scope: str = Field("", description="Scope that it asks for.")
    smtp_connections: int = Field(4, ge=1, le=64, description="Connections to the mail server at once.")
    smtp_timeout_seconds: float = Field(30.0, gt=0, description="Seconds that it may be silent.")
    sendgrid_api_key: str = Field("", repr=False, description="Key of SendGrid, in the place of a mail server.")
    sendgrid_url: Address = Field("https://api.sendgrid.com", description="Address of its API.")
    sendgrid_webhook_key: PublicKey = Field("", description="Public key of its signed events; without it, no events.")
    dkim_domain: str = Field("", description="Domain for which mails by SMTP are signed (DKIM).")
    dkim_selector: str = Field("", description="Selector of the key in that domain.")
    dkim_key_file: Path | None = Field(None, description="The private key: PEM, RSA or Ed25519.")

    # Logs and metrics
    log_level: Level = Field("INFO", description="DEBUG, INFO, WARNING, ERROR or CRITICAL.")
    log_file: Path | None = Field(None, description="Also write the log here, with rotation.")
    enable_metrics: bool = Field(True, description="Answer /metrics for Prometheus.")
    metrics_token: str = Field("", repr=False, description="Bearer token that /metrics asks for where it is given.")
    sentry_dsn: str = Field("", repr=False, description="Send unexpected errors to Sentry (extra `sentry`).")

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except UnicodeDecodeError:
            raise ConfigurationError(".env is not text in UTF-8.") from None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  the signature is pydantic's
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources, the strongest first."""
        spoken = frozenset(init_settings())
        return init_settings, Variables(settings_cls, env_settings, dotenv_settings, spoken)

    @model_validator(mode="wrap")
    @classmethod
    def _named(cls, data: dict[str, Any], handler: ModelWrapValidatorHandler[Self]) -> Self:
        _check_given(data)
        try:
            settings = handler(data)
        except ValidationError as error:
            raise ConfigurationError(_sentence(error, dict(data.get("given_by", ())))) from None
        _check_secret(settings)
        serving = normalised_as("DATABASE_URL", settings.database_url)
        if settings.migration_database_url:
            owner = normalised_as("MIGRATION_DATABASE_URL", settings.migration_database_url)
            if _place(owner) != _place(serving):
                raise ConfigurationError("DATABASE_URL and MIGRATION_DATABASE_URL name different databases.")
        return settings


def override(**values: str) -> Settings:
    """Set variables for this process and its children and read the settings again: options reach every worker."""
    os.environ.update({f"{PREFIX}{name.upper()}": value for name, value in values.items()})
    return Settings()


# ── what is refused ──────────────────────────────────────────────────────────────────────────────────────────────────


def _check_given(data: Mapping[str, Any]) -> None:
    """Raise ConfigurationError naming all that production needs and was not given, before anything is made for it."""
    missing = [line for name, line in _REQUIRED.items() if name not in data]
    if missing and str(data.get("environment")).strip().lower() == "production":
        raise ConfigurationError(" ".join(missing))


def _place(address: URL) -> tuple[str, str | None]:
    """Return the database that an address means; not its host, because migrations may go past the pooler."""
    return address.get_backend_name().replace("mariadb", "mysql"), address.database


def _check_secret(settings: Settings) -> None:
    if settings.environment != "production":
        return
    secret = settings.secret_key
    if len(secret.encode()) < SECRET_BYTES:
        raise ConfigurationError("SECRET_KEY is too short for production: at least 32 random bytes.")
    letters = "".join(letter for letter in secret.lower() if letter.isalnum())
    if len(set(secret)) < 10 or any(word in letters for word in _PLACEHOLDERS):
        raise ConfigurationError("SECRET_KEY is a placeholder: give at least 32 random bytes.")


def refusals(settings: Settings) -> list[str]:
    """Return why these settings must not serve, one line a setting, each beginning with its name; empty: they may."""
    found = []
    if settings.demo and not is_loopback(settings.host):
        found.append(f"DEMO binds to loopback only, HOST is {settings.host}.")
    reached = (
        (not is_loopback(settings.host), f"HOST ({settings.host}) is reached from elsewhere"),
        (settings.trusted_proxies, "TRUSTED_PROXIES names who passes requests on"),
        (settings.public_url.startswith("https:"), "PUBLIC_URL is for others than this machine's users"),
    )
    if "environment" not in settings.model_fields_set:
        found += [f"ENVIRONMENT must be given where {reason}." for given, reason in reached if given][:1]
    if settings.sentry_dsn and not _has_sentry():
        found.append("SENTRY_DSN needs the extra `sentry`: pip install 'holdfast[sentry]'.")
    if settings.environment != "production":
        return found
    unsafe = (
        (settings.demo, "DEMO makes accounts with known passwords."),
        (settings.debug, "DEBUG shows what a log must not hold."),
        ("*" in settings.allowed_origins, "ALLOWED_ORIGINS=* opens the API to every website."),
        (not settings.rate_limit_enabled, "RATE_LIMIT_ENABLED is off."),
        (
            normalise_url(settings.database_url).get_backend_name() == "sqlite"
            and not settings.allow_sqlite_in_production,
            "DATABASE_URL is SQLite; ALLOW_SQLITE_IN_PRODUCTION=true accepts it.",
        ),
    )
    return found + [f"{line[:-1]}: refused in production." for refused, line in unsafe if refused]


def _has_sentry() -> bool:
    try:
        import sentry_sdk  # type: ignore[import-not-found, unused-ignore] # noqa: F401, PLC0415 - an extra
    except ImportError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Tell whether an address to listen on is reached from this machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def _sentence(error: ValidationError, sources: Mapping[str, str]) -> str:
    faults = []
    for fault in error.errors(include_url=False, include_input=False, include_context=False):
        name = str(fault["loc"][0]) if fault["loc"] else ""
        if fault["type"] != "default_factory_not_called":
            message = fault["msg"].removeprefix("Value error, ").replace("Input should", "should")
            source = sources.get(name)
            faults.append(f"{name.upper()} {message}{f' ({source})' if source else ''}")
    return "; ".join(faults) + "."


# ── what is shown ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class SettingLine:
    """One setting as people see it; secrets are masked."""

    name: str
    env_names: tuple[str, ...]
    value_masked: str
    default: str
    source: str
    description: str


def explain(settings: Settings | None = None) -> list[SettingLine]:
    """Return every setting in order of declaration: value, default, and what gave it; without settings no values."""
    sources = dict(settings.given_by) if settings else {}
    lines = []
    for name, field in Settings.model_fields.items():
        if name == "given_by":
            continue
        value = _text(getattr(settings, name)) if settings else ""
        default = "" if field.default_factory else _text(field.default)
        source = sources.get(name, "default")
        if name == "secret_key" and settings and source == "default":
            source = str(settings.holdfast_home / "secret_key")
        shown = value if field.repr else _masked(value)
        lines.append(SettingLine(name.upper(), env_names(name), shown, default, source, field.description or ""))
    return lines


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(str(each) for each in value)
    return "" if value is None else str(value)


def _masked(value: str) -> str:
    """Hide a secret; of an address only what is not one stays: no credential and no option."""
    scheme, mark, rest = value.partition("://")
    if not mark:
        return _MASK if value else ""
    credential, at, place = rest.rpartition("@")
    place = place.partition("?")[0]
    return f"{scheme}://{_MASK}@{place}" if at and credential else f"{scheme}://{place}"
