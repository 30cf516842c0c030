"""Database addresses: whatever form the operator has, the driver and its options become ours."""

from urllib.parse import urlencode

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from holdfast.kernel.errors import ConfigurationError

_DRIVERS = {
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "mysql": "mysql+asyncmy",
    "mariadb": "mariadb+asyncmy",
    "sqlite": "sqlite+aiosqlite",
}
_ASYNCPG_NUMBERS = {"statement_cache_size", "prepared_statement_cache_size", "max_cached_statement_lifetime"}
_MULTIHOST = {"host", "port"}
_ASYNCMY_TLS = {"ssl_ca": "ca", "ssl_capath": "capath", "ssl_cert": "cert", "ssl_key": "key", "ssl_cipher": "cipher"}
_NOT_SPOKEN = {"channel_binding", "gssencmode", "krbsrvname", "requirepeer", "sslcompression"}


def normalise_url(url: str) -> URL:
    """Return the address with our driver; libpq's and MySQL's TLS options become those of asyncpg and asyncmy.

    Raises ConfigurationError for an address that cannot be read, an unknown database, an in-memory SQLite one (each
    connection would see its own), or an option that the driver would ignore.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ConfigurationError("DATABASE_URL cannot be read: dialect://user:password@host:port/name.") from error
    family = parsed.drivername.partition("+")[0]
    driver = _DRIVERS.get(family)
    if driver is None:
        raise ConfigurationError(f"DATABASE_URL names {family!r}; known are sqlite, postgresql, mysql and mariadb.")
    parsed = parsed.set(drivername=driver)
    if family == "sqlite":
        if not parsed.database or ":memory:" in parsed.database or parsed.query.get("mode") == "memory":
            raise ConfigurationError("DATABASE_URL: SQLite needs a file, as in sqlite:///var/holdfast.db.")
        return parsed
    return _postgresql(parsed) if driver.startswith("postgresql") else _mysql(parsed)


def _postgresql(url: URL) -> URL:
    """Hand what asyncpg.connect does not take by name to its own reader of libpq options, which knows the TLS ones."""
    query = dict(url.query)
    foreign = sorted(_NOT_SPOKEN & query.keys())
    if foreign:
        raise ConfigurationError(
            f"DATABASE_URL: the driver does not know the option {', '.join(foreign)}; take it out."
        )
    kept = {name: value for name, value in query.items() if name in _ASYNCPG_NUMBERS | _MULTIHOST | {"ssl"}}
    libpq = {name: value for name, value in query.items() if name not in kept}
    connect_timeout = libpq.pop("connect_timeout", None)
    if connect_timeout is not None:
        kept["timeout"] = connect_timeout
    if libpq.keys() == {"sslmode"}:
        kept["ssl"] = libpq["sslmode"]
    elif libpq:
        kept["dsn"] = "postgresql:///?" + urlencode(libpq, doseq=True)
    return url.set(query=kept)


def _mysql(url: URL) -> URL:
    """Gather the `ssl_*` options under the names that SQLAlchemy passes on; `charset` is ours."""
    query = dict(url.query)
    mode = str(query.pop("ssl_mode", query.pop("ssl-mode", "preferred"))).lower().replace("_", "-")
    if mode not in ("preferred", "disabled", "required", "verify-ca", "verify-identity"):
        raise ConfigurationError(f"DATABASE_URL: ssl_mode={mode!r} is none of MySQL's modes.")
    if mode.startswith("verify") and "ssl_ca" not in query and "ssl_capath" not in query:
        raise ConfigurationError(f"DATABASE_URL: ssl_mode={mode} needs ssl_ca, the file of the authority.")
    if mode == "required" and not query.keys() & _ASYNCMY_TLS.keys():
        query["ssl"] = "true"
    if mode == "verify-ca":
        query["ssl_check_hostname"] = "false"
    return url.set(query={**query, "charset": "utf8mb4"})
