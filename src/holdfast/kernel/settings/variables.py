"""Where settings come from: the environment and `.env` as one source, addresses put together from their parts."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource
from pydantic_settings.sources import EnvSettingsSource
from sqlalchemy.engine import URL

from holdfast.kernel.engines.addresses import normalise_url
from holdfast.kernel.errors import ConfigurationError

PREFIX = "HOLDFAST_"
_DB_PARTS = ("db_type", "db_host", "db_port", "db_name", "db_user", "db_password")
_REDIS_SCHEMES = ("redis", "rediss", "unix")
_REDIS_PARTS = ("redis_host", "redis_port", "redis_db", "redis_password")


class Variables(PydanticBaseSettingsSource):
    """The environment and `.env` as one source that remembers which variable gave what."""

    def __init__(
        self,
        settings_cls: type[BaseSettings],
        environment: PydanticBaseSettingsSource,
        dotenv: PydanticBaseSettingsSource,
        spoken: frozenset[str],
    ) -> None:
        super().__init__(settings_cls)
        assert isinstance(environment, EnvSettingsSource)
        assert isinstance(dotenv, EnvSettingsSource)
        self._layers = (("the environment", environment.env_vars), (".env", dotenv.env_vars))
        self._spoken = spoken  # what the program itself gave

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        """Return the value for a field and the variable that gave it."""
        for place, variables in self._layers:
            for name in env_names(field_name):
                value = variables.get(name.lower())
                if value is not None:
                    return value, f"{name} in {place}", False
        return None, "", False

    def __call__(self) -> dict[str, Any]:
        """Return what the variables give, addresses put together from their parts."""
        given: dict[str, str] = {}
        sources: dict[str, str] = {}
        for name, field in self.settings_cls.model_fields.items():
            value, source, _ = self.get_field_value(field, name)
            if value is not None and name != "given_by":
                given[name], sources[name] = value, source
        for name, gather in (("database_url", _database_addresses), ("redis_url", _redis_addresses)):
            addresses = {} if name in self._spoken else gather(given)
            if addresses:
                label, given[name] = next(iter(addresses.items()))
                sources[name] = sources[label.lower()]
        sources |= dict.fromkeys(self._spoken, "the program")
        return {**given, "given_by": tuple(sources.items())}


def env_names(field: str) -> tuple[str, ...]:
    """Return the variables that set a field, the strongest first."""
    name = field.upper()
    return (name,) if name.startswith(PREFIX) else (PREFIX + name, name)


def _database_addresses(given: Mapping[str, str]) -> dict[str, str]:
    """Return every database address that was given, the strongest first; raise where two differ."""
    found = {name.upper(): given[name] for name in ("database_url", "sqlalchemy_database_url") if name in given}
    parts = {name: given[name] for name in _DB_PARTS if name in given}
    if parts:
        found["DB_NAME"] = _composed(parts)
    _agree(found, normalised_as)
    return found


def _composed(parts: Mapping[str, str]) -> str:
    """Return the address that the DB_* variables describe, its values escaped."""
    if "db_name" not in parts:
        raise ConfigurationError(f"{next(iter(parts)).upper()} is given without DB_NAME.")
    kind = parts.get("db_type", "postgresql").strip().lower()
    if kind == "sqlite":
        return "sqlite:///" + quote(parts["db_name"])
    host, port = parts.get("db_host", "localhost"), _port("DB_PORT", parts.get("db_port"))
    user, password = (quote(parts.get(name, ""), safe="") for name in ("db_user", "db_password"))
    credential = f"{user}:{password}@" if password else f"{user}@" if user else ""
    return f"{kind}://{credential}{_bracketed(host)}{port}/{quote(parts['db_name'], safe='')}"


def _redis_addresses(given: Mapping[str, str]) -> dict[str, str]:
    """Return every Redis address that was given, the strongest first; raise where two differ."""
    found = {"REDIS_URL": given["redis_url"]} if "redis_url" in given else {}
    parts = {name: given[name] for name in _REDIS_PARTS if name in given}
    if parts:
        if "redis_host" not in parts:
            raise ConfigurationError(f"{next(iter(parts)).upper()} is given without REDIS_HOST.")
        password = f":{quote(parts['redis_password'], safe='')}@" if "redis_password" in parts else ""
        port = _port("REDIS_PORT", parts.get("redis_port"))
        found["REDIS_HOST"] = f"redis://{password}{_bracketed(parts['redis_host'])}{port}/{parts.get('redis_db', '0')}"
    _agree(found, _redis_parts)
    return found


def _redis_parts(label: str, url: str) -> tuple[object, ...]:
    parts = urlsplit(url)
    try:
        port = parts.port or 6379
    except ValueError:
        port = None
    if parts.scheme not in _REDIS_SCHEMES or port is None:
        raise ConfigurationError(f"{label} cannot be read: redis://:password@host:port/number.")
    password = unquote(parts.password or "")
    return parts.scheme, parts.username or "", password, parts.hostname, port, parts.path.strip("/") or "0"


def _agree(addresses: Mapping[str, str], read: Callable[[str, str], object]) -> None:
    meanings = [(label, read(label, address)) for label, address in addresses.items()]
    for label, meaning in meanings[1:]:
        if meaning != meanings[0][1]:
            raise ConfigurationError(f"{meanings[0][0]} and {label} name different places; give only one of them.")


def normalised_as(label: str, url: str) -> URL:
    """Return what an address means, to compare it; raise ConfigurationError naming `label` where it means nothing."""
    try:
        return normalise_url(url)
    except ConfigurationError as error:
        raise ConfigurationError(error.detail.replace("DATABASE_URL", label, 1)) from None


def _port(name: str, text: str | None) -> str:
    if text is not None and not (text.isdecimal() and 0 < int(text) < 65536):
        raise ConfigurationError(f"{name} is not a port number.")
    return f":{text}" if text else ""


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
