"""Typed settings from the environment and `.env`: each is read as `HOLDFAST_X`, then as `X`."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Everything an operator can set; docs/reference/settings.md is generated from it."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True)

    app_name: str = Field("Holdfast", description="Name shown to people.")
    environment: Literal["development", "staging", "production", "test"] = "development"
    debug: bool = False
    holdfast_home: Path = Path("./var")
    secret_key: str = ""
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = ""
    database_url: str = ""
    migration_database_url: str = ""
    pool_size: int = 16
    pool_timeout: float = 2.0
    pool_recycle: int = 1800
    pool_pre_ping: bool = False
    sqlite_synchronous: Literal["FULL", "NORMAL"] = "FULL"
    redis_url: str = ""
    rate_limit_enabled: bool = True
    rate_limit_per_minute: int = 60
    access_token_expire_min: int = 15
    refresh_token_expire_days: int = 7
    argon2_memory_kib: int = 19456
    argon2_time_cost: int = 2
    argon2_parallelism: int = 1
    legacy_api_alias: bool = True
    demo: bool = False
    trusted_proxies: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    max_body_bytes: int = 1_048_576
    log_level: str = "INFO"
    log_file: Path | None = None
    enable_metrics: bool = True
    metrics_token: str = ""
    sentry_dsn: str = ""
    refresh_token_absolute_days: int = 30
    session_idle_min: int = 30
    session_absolute_hours: int = 12
    migrate_on_start: bool = True
    slow_query_ms: int | None = 500
    password_min_length: int = 15
