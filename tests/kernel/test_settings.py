"""Settings: which variable counts, what is refused, and what is never shown."""

import stat
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from holdfast.kernel.engines.addresses import normalise_url
from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.settings import Settings, explain, is_loopback, override, refusals
from holdfast.kernel.settings.variables import env_names

pytestmark = pytest.mark.unit
GOOD_SECRET = "kW9-vR2xQ7_mT4bZ8nL5cJ1hF6gD3sA0pYuE"
PRODUCTION = {
    "ENVIRONMENT": "production",
    "SECRET_KEY": GOOD_SECRET,
    "DATABASE_URL": "postgresql://app:pw@db/holdfast",
}


@pytest.fixture(autouse=True)
def bare(monkeypatch, tmp_path):
    """Start each test in an empty folder with none of our variables set."""
    for field in Settings.model_fields:
        for name in env_names(field):
            monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def given(monkeypatch):
    def set_all(**variables: str) -> Settings:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return Settings()

    return set_all


def refused(given, **variables: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        given(**variables)
    assert "\n" not in caught.value.detail
    return caught.value.detail


def line(settings: Settings, name: str):
    return next(each for each in explain(settings) if each.name == name)


# ── which variable counts ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("environment", "dotenv", "expected", "source"),
    [
        ({}, "", 8000, "default"),
        ({}, "PORT=1", 1, "PORT in .env"),
        ({}, "PORT=1\nHOLDFAST_PORT=2", 2, "HOLDFAST_PORT in .env"),
        ({"PORT": "3"}, "PORT=1\nHOLDFAST_PORT=2", 3, "PORT in the environment"),
        ({"PORT": "3", "HOLDFAST_PORT": "4"}, "HOLDFAST_PORT=2", 4, "HOLDFAST_PORT in the environment"),
        ({"PORT": "3", "HOLDFAST_PORT": ""}, "", 3, "PORT in the environment"),
        ({"PORT": ""}, "", 8000, "default"),
    ],
)
def test_the_environment_goes_before_the_file_and_our_name_before_the_plain_one(
    given, environment, dotenv, expected, source
):
    Path(".env").write_text(dotenv)
    settings = given(**environment)
    assert settings.port == expected
    assert line(settings, "PORT").source == source


def test_what_the_program_gives_goes_before_all(given, monkeypatch):
    monkeypatch.setenv("HOLDFAST_PORT", "4")
    settings = Settings(port=5)
    assert settings.port == 5
    assert line(settings, "PORT").source == "the program"


def test_a_program_that_gives_the_database_is_not_asked_about_the_environment(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "mysql://a@b/c")
    monkeypatch.setenv("DB_NAME", "d")
    assert Settings(database_url="sqlite:///x.db").database_url == "sqlite:///x.db"


def test_home_is_not_the_folder_of_the_user(given):
    assert given(HOME="/root").holdfast_home == Path("var")
    assert given(HOLDFAST_HOME="/srv/holdfast").holdfast_home == Path("/srv/holdfast")


def test_the_embedded_database_lives_in_home(given, tmp_path):
    settings = given(HOLDFAST_HOME=str(tmp_path / "a b?"))
    assert normalise_url(settings.database_url).database == str(tmp_path / "a b?" / "holdfast.db")


def test_options_become_variables_that_children_inherit(monkeypatch):
    monkeypatch.setenv("HOLDFAST_PORT", "1")
    monkeypatch.setenv("HOLDFAST_DEMO", "false")
    assert override(port="2", demo="true").port == 2
    assert Settings().demo is True


# ── lists, switches, numbers ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "written", ["https://a.example, http://B.example:8080/", '["https://a.example", "http://b.example:8080"]']
)
def test_origins_are_commas_or_json(given, written):
    assert given(ALLOWED_ORIGINS=written).allowed_origins == ("https://a.example", "http://b.example:8080")


def test_hosts_and_proxies_are_lists_too(given):
    settings = given(ALLOWED_HOSTS="a,b", TRUSTED_PROXIES='["10.0.0.0/8","unix"]')
    assert (settings.allowed_hosts, settings.trusted_proxies) == (("a", "b"), ("10.0.0.0/8", "unix"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "70000"),
        ("ENVIRONMENT", "prod"),
        ("DEBUG", "perhaps"),
        ("ALLOWED_ORIGINS", "[https://a"),
        ("ALLOWED_ORIGINS", '{"a": 1}'),
        ("ALLOWED_ORIGINS", "intranet.example.org"),
        ("ALLOWED_ORIGINS", "https://a.example/path"),
        ("PUBLIC_URL", "ftp://x"),
        ("PUBLIC_URL", "intranet"),
        ("POOL_SIZE", "0"),
        ("PASSWORD_MIN_LENGTH", "7"),
        ("LOG_LEVEL", "loud"),
        ("DB_TYPE", "oracle"),
        ("LEGACY_API_SUNSET", "soon"),
        ("DATABASE_URL", "oracle://x/y"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("MIGRATION_DATABASE_URL", "oracle://x/y"),
        ("SQLALCHEMY_DATABASE_URL", "oracle://x/y"),
        ("REDIS_URL", "http://x"),
        ("REDIS_URL", "redis://x:port"),
        ("TRUSTED_PROXIES", "nope"),
        ("TRUSTED_PROXIES", "unix,10.0.0.0/99"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_variable(given, name, value):
    assert refused(given, **{name: value}).startswith(name)


def test_a_refusal_says_which_variable_gave_the_value_and_not_the_value(given):
    detail = refused(given, HOLDFAST_PORT="hunter2hunter2")
    assert detail.startswith("PORT ")
    assert "HOLDFAST_PORT in the environment" in detail
    assert "hunter2" not in detail


def test_slow_queries_can_be_off(given):
    assert given().slow_query_ms == 500
    assert given(SLOW_QUERY_MS="off").slow_query_ms is None
    assert given(SLOW_QUERY_MS="0").slow_query_ms == 0


# ── addresses from their parts ───────────────────────────────────────────────────────────────────────────────────────


def test_values_of_parts_are_escaped(given):
    settings = given(DB_HOST="db", DB_PORT="6432", DB_NAME="a/b c", DB_USER="o'k@x", DB_PASSWORD="p@s:s/w?r#d%41")
    url = normalise_url(settings.database_url)
    assert (url.get_backend_name(), url.host, url.port, url.database) == ("postgresql", "db", 6432, "a/b c")
    assert (url.username, url.password) == ("o'k@x", "p@s:s/w?r#d%41")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"DB_NAME": "x"}, "postgresql://localhost/x"),
        ({"DB_NAME": "x", "DB_USER": "u"}, "postgresql://u@localhost/x"),
        ({"DB_NAME": "x", "DB_TYPE": "MySQL", "DB_HOST": "::1"}, "mysql://[::1]/x"),
        ({"DB_NAME": "/srv/x.db", "DB_TYPE": "sqlite"}, "sqlite:////srv/x.db"),
        ({"SQLALCHEMY_DATABASE_URL": "postgresql+psycopg2://h/x"}, "postgresql+psycopg2://h/x"),
        ({"DATABASE_URL": "postgres://h/x", "SQLALCHEMY_DATABASE_URL": "postgresql+psycopg2://h/x"}, "postgres://h/x"),
        ({"DATABASE_URL": "postgres://localhost/x", "DB_NAME": "x"}, "postgres://localhost/x"),
    ],
)
def test_the_database_address(given, variables, expected):
    assert given(**variables).database_url == expected


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"DATABASE_URL": "postgresql://u:one@h/x"}, {"SQLALCHEMY_DATABASE_URL": "postgresql://u:two@h/x"}),
        ({"DATABASE_URL": "postgresql://u:one@h/x"}, {"DB_NAME": "y", "DB_HOST": "h"}),
        ({"SQLALCHEMY_DATABASE_URL": "mysql://u:one@h/x"}, {"DB_NAME": "x", "DB_HOST": "h", "DB_PASSWORD": "two"}),
        ({"REDIS_URL": "redis://:one@h:6379/0"}, {"REDIS_HOST": "h", "REDIS_PASSWORD": "two"}),
    ],
)
def test_two_addresses_that_differ_are_refused_by_both_names_without_secrets(given, first, second):
    detail = refused(given, **first, **second)
    assert next(iter(first)) in detail
    assert next(iter(second)) in detail
    assert "one" not in detail.replace("only one", "")
    assert "two" not in detail


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"DB_PASSWORD": "x"}, "DB_NAME"),
        ({"DB_HOST": "x"}, "DB_NAME"),
        ({"REDIS_PASSWORD": "x"}, "REDIS_HOST"),
        ({"DB_NAME": "x", "DB_PORT": "many"}, "DB_PORT"),
        ({"DB_NAME": "x", "DB_PORT": "0"}, "DB_PORT"),
        ({"REDIS_HOST": "x", "REDIS_PORT": "70000"}, "REDIS_PORT"),
    ],
)
def test_half_an_address_is_refused(given, variables, name):
    assert name in refused(given, **variables)


def test_redis_parts(given):
    settings = given(REDIS_HOST="cache", REDIS_PASSWORD="a@b", REDIS_DB="3")
    assert settings.redis_url == "redis://:a%40b@cache/3"
    assert given(REDIS_URL="redis://:a%40b@cache:6379/3").redis_url == "redis://:a%40b@cache:6379/3"


# ── the secret ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_missing_secret_is_made_once_and_kept_private(given, tmp_path):
    home = tmp_path / "deep" / "home"
    first = given(HOLDFAST_HOME=str(home))
    assert len(first.secret_key) >= 32
    assert given().secret_key == first.secret_key
    assert stat.S_IMODE((home / "secret_key").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert [path.name for path in home.iterdir()] == ["secret_key"]


RACE = """
import sys, time
from pathlib import Path
from holdfast.kernel.settings import kept_secret
folder = Path(sys.argv[1])
(folder / f"ready-{sys.argv[2]}").touch()
while not (folder / "go").exists():
    time.sleep(0)
for turn in range(20):
    print(kept_secret(folder / f"home-{turn}"))
"""


def test_processes_that_start_together_get_one_secret(tmp_path):
    racers = [
        subprocess.Popen([sys.executable, "-c", RACE, str(tmp_path), str(number)], stdout=subprocess.PIPE, text=True)
        for number in range(4)
    ]
    while len(list(tmp_path.glob("ready-*"))) < len(racers):
        assert all(racer.poll() is None for racer in racers)
        time.sleep(0.02)
    (tmp_path / "go").touch()
    answers = [racer.communicate(timeout=60)[0].splitlines() for racer in racers]
    assert [len(secrets) for secrets in answers] == [20] * 4
    assert all(len(set(secrets)) == 1 for secrets in zip(*answers, strict=True))


def test_a_damaged_secret_is_not_replaced(given, tmp_path):
    (tmp_path / "secret_key").write_text("short\n")
    assert "secret_key" in refused(given, HOLDFAST_HOME=str(tmp_path))
    assert (tmp_path / "secret_key").read_text() == "short\n"


def test_a_home_that_cannot_be_written_is_named(given, tmp_path):
    (tmp_path / "file").write_text("")
    assert refused(given, HOLDFAST_HOME=str(tmp_path / "file" / "home")).startswith("HOLDFAST_HOME")


# ── production ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("missing", ["SECRET_KEY", "DATABASE_URL"])
def test_production_requires(given, missing, tmp_path):
    variables = {name: value for name, value in PRODUCTION.items() if name != missing}
    assert refused(given, **variables).startswith(missing)
    assert not (tmp_path / "var").exists()


def test_production_names_all_that_is_missing_at_once(given):
    detail = refused(given, ENVIRONMENT=" Production ")
    assert "SECRET_KEY" in detail
    assert "DATABASE_URL" in detail


@pytest.mark.parametrize(
    "secret",
    [
        "kW9-vR2xQ7_mT4bZ8nL5cJ1hF6gD3sA",  # sound but 31 bytes
        "k" * 64,
        "change-me-change-me-change-me-change-me",
        "your_secret_key_here_at_least_32_bytes!",
        "0123456789abcdefghijklmnopqrstuvwxyz",
    ],
)
def test_production_refuses_weak_secrets(given, secret):
    detail = refused(given, **{**PRODUCTION, "SECRET_KEY": secret})
    assert detail.startswith("SECRET_KEY")
    assert secret not in detail


def test_sound_production_is_not_refused(given):
    assert refusals(given(**PRODUCTION, HOST="0.0.0.0")) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEMO", "true"),
        ("DEBUG", "true"),
        ("ALLOWED_ORIGINS", "https://a.example,*"),
        ("RATE_LIMIT_ENABLED", "false"),
        ("DATABASE_URL", "sqlite:///holdfast.db"),
    ],
)
def test_production_refuses_each_unsafe_setting_by_name(given, name, value):
    (only,) = refusals(given(**{**PRODUCTION, name: value}))
    assert only.startswith(name)
    assert refusals(given(ENVIRONMENT="development")) == []


def test_sqlite_in_production_can_be_accepted(given):
    settings = given(**{**PRODUCTION, "DATABASE_URL": "sqlite:///x.db"}, ALLOW_SQLITE_IN_PRODUCTION="true")
    assert refusals(settings) == []


@pytest.mark.parametrize("environment", ["development", "test", "staging"])
def test_demo_binds_to_loopback_only_in_every_environment(given, environment):
    (only,) = refusals(given(ENVIRONMENT=environment, DEMO="1", HOST="0.0.0.0"))
    assert only.startswith("DEMO")
    assert refusals(given(HOST="127.0.0.1")) == []


def test_a_server_reached_from_elsewhere_must_say_what_it_is(given):
    (only,) = refusals(given(HOST="0.0.0.0"))
    assert only.startswith("ENVIRONMENT")
    assert refusals(given(ENVIRONMENT="development")) == []


@pytest.mark.parametrize(
    ("name", "value", "asked"),
    [
        ("PUBLIC_URL", "https://intranet.example.org", True),
        ("PUBLIC_URL", "http://127.0.0.1:8000", False),
        ("TRUSTED_PROXIES", "127.0.0.1", True),
        ("TRUSTED_PROXIES", "unix", True),
    ],
)
def test_a_server_behind_a_proxy_must_say_what_it_is(given, name, value, asked):
    found = refusals(given(**{name: value}))
    assert [each.startswith("ENVIRONMENT") and name in each for each in found] == [True] * asked
    assert refusals(given(ENVIRONMENT="staging")) == []


def test_reports_to_sentry_need_its_extra(given, monkeypatch):
    monkeypatch.setitem(sys.modules, "sentry_sdk", ModuleType("sentry_sdk"))
    assert refusals(given(SENTRY_DSN="https://key@sentry.example/1")) == []
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)
    (only,) = refusals(given())
    assert only.startswith("SENTRY_DSN")


def test_a_file_that_is_not_text_is_named(given):
    Path(".env").write_bytes(b"PORT=\xff\xfe")
    assert refused(given).startswith(".env")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("localhost.example.org", False),
        ("192.168.0.1", False),
        ("::ffff:10.0.0.1", False),
    ],
)
def test_loopback(host, expected):
    assert is_loopback(host) is expected


# ── what is shown ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_no_secret_is_shown_anywhere(given):
    settings = given(
        SECRET_KEY="tellme-tellme-tellme-tellme-tellme",
        DATABASE_URL="postgresql://u:tellme@h:1/x?sslpassword=tellme",
        DB_PASSWORD="",
        MIGRATION_DATABASE_URL="postgresql://tellme:p@ss@h/x?sslpassword=tellme",
        REDIS_URL="redis://:tellme@h:1/2",
        SENTRY_DSN="https://tellme@sentry.example/1",
    )
    assert "tellme" not in repr(settings) + str(settings) + repr(explain(settings))
    assert line(settings, "DATABASE_URL").value_masked == "postgresql://********@h:1/x"
    assert line(settings, "SECRET_KEY").value_masked == "********"
    assert line(settings, "SECRET_KEY").source == "SECRET_KEY in the environment"


def test_each_setting_is_explained(given):
    lines = explain(given())
    assert {each.name for each in lines} == {name.upper() for name in Settings.model_fields if name != "given_by"}
    assert [each.name for each in lines if not each.description.endswith((".", "…"))] == []
    assert line(given(), "SECRET_KEY").source == "var/secret_key"
    assert line(given(DB_NAME="x"), "DATABASE_URL").source == "DB_NAME in the environment"


def test_settings_can_be_a_key(given):
    assert hash(given()) == hash(given())
