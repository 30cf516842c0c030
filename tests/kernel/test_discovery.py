"""A tree of files becomes exactly these routes, and whatever is doubtful in it stops the start by name."""

import itertools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

import holdfast.core
from holdfast.kernel.discovery import Endpoint, build_router, discover, lock_difference, routes_lock
from holdfast.kernel.errors import ConfigurationError
from holdfast.kernel.plugins import App

pytestmark = pytest.mark.unit

HEAD = """
from holdfast.kernel.http import Routes
from holdfast.kernel.permissions import verb

@verb("golden.thing.{name}")
async def act(work): ...

@verb("golden.thing.{name}", access="signed_in")
async def look(work): ...

router = Routes()
"""
_numbers = itertools.count()

Plant = Callable[..., App]


def source(*methods: str, name: str = "act", how: str = "verb=act") -> str:
    """Return an endpoint file that declares the methods."""
    text = HEAD.format(name=name)
    for number, method in enumerate(methods):
        text += f"\n@router.{method}({how})\nasync def f{number}(): ...\n"
    return text


@pytest.fixture
def plant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plant]:
    """Return a function that writes a package of endpoint files and gives its App."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def write(files: dict[str, str], *, name: str = "golden", mount: str = "golden", pages: str | None = None) -> App:
        package = f"planted_{os.getpid()}_{next(_numbers)}"
        for path, text in files.items():
            file = tmp_path / package / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        for folder in [tmp_path / package, *(tmp_path / package).rglob("*")]:
            if folder.is_dir():
                (folder / "__init__.py").touch()
        return App(name=name, title=name, package=package, mount=mount, pages=pages)

    yield write
    for module in set(sys.modules) - before:
        del sys.modules[module]


GOLDEN = {
    "endpoints/index.py": source("get"),
    "endpoints/hazards/index.py": source("post", "get"),
    "endpoints/hazards/export_csv.py": source("get", how='public="shown on the door"'),
    "endpoints/hazards/by_hazard_id/index.py": source("get", "put", "patch", "delete"),
    "endpoints/hazards/by_hazard_id/close.py": source("post"),
    "endpoints/hazards/by_hazard_id/notes/index.py": source("get", "post"),
    "endpoints/hazards/by_hazard_id/notes/by_note_id.py": source("get", "delete"),
    "endpoints/hazards/by_hazard_id/notes/latest.py": source("get"),
    "endpoints/people/import_.py": source("post"),
    "endpoints/people/by_person_id.py": source("get", how="verb=look"),
    "endpoints/people/by_person_id_2/index.py": "",
    "wards/endpoints/wards/index.py": source("get"),
    "wards/endpoints/wards/by_ward_id/risks/by_risk_id/accept_now.py": source("post"),
    "pages/index.py": source("get"),
    "pages/hazards/index.py": source("get", "post"),
    "pages/hazards/by_hazard_id/index.py": source("get"),
    "pages/hazards/new.py": source("get", "post"),
    "models.py": "raise RuntimeError('discovery imports endpoint files only')",
    "endpoints/notes.txt": "not a module",
}
del GOLDEN["endpoints/people/by_person_id_2/index.py"]

EXPECTED = """\
GET /api/v1/golden golden.thing.act {p}:endpoints/index.py
GET /api/v1/golden/hazards golden.thing.act {p}:endpoints/hazards/index.py
POST /api/v1/golden/hazards golden.thing.act {p}:endpoints/hazards/index.py
GET /api/v1/golden/hazards/export-csv public {p}:endpoints/hazards/export_csv.py
GET /api/v1/golden/hazards/{hazard_id} golden.thing.act {p}:endpoints/hazards/by_hazard_id/index.py
PUT /api/v1/golden/hazards/{hazard_id} golden.thing.act {p}:endpoints/hazards/by_hazard_id/index.py
PATCH /api/v1/golden/hazards/{hazard_id} golden.thing.act {p}:endpoints/hazards/by_hazard_id/index.py
DELETE /api/v1/golden/hazards/{hazard_id} golden.thing.act {p}:endpoints/hazards/by_hazard_id/index.py
POST /api/v1/golden/hazards/{hazard_id}/close golden.thing.act {p}:endpoints/hazards/by_hazard_id/close.py
GET /api/v1/golden/hazards/{hazard_id}/notes golden.thing.act {p}:endpoints/hazards/by_hazard_id/notes/index.py
POST /api/v1/golden/hazards/{hazard_id}/notes golden.thing.act {p}:endpoints/hazards/by_hazard_id/notes/index.py
GET /api/v1/golden/hazards/{hazard_id}/notes/latest golden.thing.act {p}:endpoints/hazards/by_hazard_id/notes/latest.py
GET /api/v1/golden/hazards/{hazard_id}/notes/{note_id} golden.thing.act {p}:endpoints/hazards/by_hazard_id/notes/by_note_id.py
DELETE /api/v1/golden/hazards/{hazard_id}/notes/{note_id} golden.thing.act {p}:endpoints/hazards/by_hazard_id/notes/by_note_id.py
POST /api/v1/golden/people/import golden.thing.act {p}:endpoints/people/import_.py
GET /api/v1/golden/people/{person_id} signed_in {p}:endpoints/people/by_person_id.py
GET /api/v1/golden/wards golden.thing.act {p}:wards/endpoints/wards/index.py
POST /api/v1/golden/wards/{ward_id}/risks/{risk_id}/accept-now golden.thing.act {p}:wards/endpoints/wards/by_ward_id/risks/by_risk_id/accept_now.py
GET /console/golden golden.thing.act {p}:pages/index.py
GET /console/golden/hazards golden.thing.act {p}:pages/hazards/index.py
POST /console/golden/hazards golden.thing.act {p}:pages/hazards/index.py
GET /console/golden/hazards/new golden.thing.act {p}:pages/hazards/new.py
POST /console/golden/hazards/new golden.thing.act {p}:pages/hazards/new.py
GET /console/golden/hazards/{hazard_id} golden.thing.act {p}:pages/hazards/by_hazard_id/index.py
"""


def test_the_golden_tree_becomes_exactly_these_routes(
    plant: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = plant(GOLDEN, pages="golden")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    found = discover([app])
    assert routes_lock(found) == EXPECTED.replace("{p}", app.package)
    assert {endpoint.kind for endpoint in found} == {"api", "page"}
    assert {endpoint.app for endpoint in found} == {"golden"}
    assert found[0].module == f"{app.package}.endpoints.index"


def test_two_apps_come_in_one_order_however_they_are_listed(plant: Plant) -> None:
    one = plant({"endpoints/users/index.py": source("get")}, name="one", mount="")
    two = plant({"endpoints/index.py": source("get")}, name="two", mount="org/staff")
    assert discover([one, two]) == discover([two, one])
    assert [endpoint.path for endpoint in discover([one, two])] == ["/api/v1/org/staff", "/api/v1/users"]


def test_an_app_at_the_root_may_stand_at_the_root(plant: Plant) -> None:
    app = plant({"endpoints/index.py": source("get"), "pages/index.py": source("get")}, mount="", pages="")
    assert [endpoint.path for endpoint in discover([app])] == ["/api/v1", "/console"]


def test_our_own_files_are_named_from_the_root_of_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "holdfast_slices" / f"slice_{os.getpid()}"
    (package / "endpoints").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "endpoints" / "__init__.py").touch()
    (package / "endpoints" / "index.py").write_text(source("get"))
    monkeypatch.setattr(holdfast.core, "__path__", [str(package.parent)])
    app = App(name="ours", title="ours", package=f"holdfast.core.{package.name}", mount="ours")
    (endpoint,) = discover([app])
    assert endpoint.file == f"src/holdfast/core/{package.name}/endpoints/index.py"


REFUSED = {
    "no router": ({"endpoints/a.py": "x = 1"}, "{p}:endpoints/a.py has no `router = Routes()`."),
    "router of another kind": (
        {"endpoints/a.py": "from fastapi import APIRouter\nrouter = APIRouter()"},
        "{p}:endpoints/a.py has no `router = Routes()`.",
    ),
    "nothing declared": ({"endpoints/a.py": source()}, "{p}:endpoints/a.py declares no operation."),
    "import error": (
        {"endpoints/a.py": "import does_not_exist_anywhere"},
        "{p}:endpoints/a.py cannot be imported: ModuleNotFoundError: No module named 'does_not_exist_anywhere'",
    ),
    "error while importing": (
        {"endpoints/a.py": "1 / 0"},
        "{p}:endpoints/a.py cannot be imported: ZeroDivisionError: division by zero",
    ),
    "syntax error": ({"endpoints/a.py": "def"}, "{p}:endpoints/a.py cannot be imported: SyntaxError"),
    "file beside a folder of its name": (
        {"endpoints/a.py": source("get"), "endpoints/a/index.py": source("get")},
        "{p}:endpoints/a.py is hidden by the folder {p}:endpoints/a/: move it to a/index.py.",
    ),
    "same path from two slices": (
        {"one/endpoints/a.py": source("get"), "two/endpoints/a.py": source("get")},
        "{p}:one/endpoints/a.py answers GET /api/v1/golden/a, and so does {p}:two/endpoints/a.py.",
    ),
    "same method twice": (
        {"endpoints/a.py": source("get", "get")},
        "{p}:endpoints/a.py answers GET /api/v1/golden/a, twice.",
    ),
    "neither verb nor reason": (
        {"endpoints/a.py": source("get", how="")},
        "{p}:endpoints/a.py: GET `f0` names no verb and gives no reason to be public.",
    ),
    "empty reason": (
        {"endpoints/a.py": source("get", how='public=" "')},
        "{p}:endpoints/a.py: GET `f0` names no verb and gives no reason to be public.",
    ),
    "not async": (
        {"endpoints/a.py": source() + "@router.get(verb=act)\ndef f(): ...\n"},
        "{p}:endpoints/a.py: GET `f` is not async: it would run in a thread of its own.",
    ),
    "two parameter names at one place": (
        {"endpoints/by_id.py": source("get"), "endpoints/by_hazard_id/close.py": source("post")},
        (
            "{p}:endpoints/by_hazard_id/close.py calls the parameter below /api/v1/golden {hazard_id}, "
            "{p}:endpoints/by_id.py calls it {id}."
        ),
    ),
    "two parameter names below a parameter": (
        {"endpoints/by_id/by_a.py": source("get"), "endpoints/by_id/by_b/c.py": source("get")},
        (
            "{p}:endpoints/by_id/by_b/c.py calls the parameter below /api/v1/golden/{} {b}, "
            "{p}:endpoints/by_id/by_a.py calls it {a}."
        ),
    ),
    "one parameter name twice": (
        {"endpoints/by_id/by_id.py": source("get")},
        "{p}:endpoints/by_id/by_id.py: the path /api/v1/golden/{id}/{id} has {id} twice.",
    ),
    "hyphen": ({"endpoints/a-b.py": source("get")}, "{p}:endpoints/a-b.py: 'a-b' cannot be a part of a path"),
    "capital": ({"endpoints/A.py": source("get")}, "{p}:endpoints/A.py: 'A' cannot be a part of a path"),
    "leading underscore": ({"endpoints/_a.py": ""}, "{p}:endpoints/_a.py: '_a' cannot be a part of a path"),
    "two underscores": ({"endpoints/a__b.py": ""}, "{p}:endpoints/a__b.py: 'a__b' cannot be a part of a path"),
    "digit first": ({"endpoints/1a.py": source("get")}, "{p}:endpoints/1a.py: '1a' cannot be a part of a path"),
    "parameter without a name": ({"endpoints/by.py": ""}, "{p}:endpoints/by.py: 'by' cannot be a part of a path"),
    "keyword": (
        {"endpoints/import.py": source("post")},
        "{p}:endpoints/import.py: 'import' cannot be a part of a path",
    ),
    "folder called index": (
        {"endpoints/index/a.py": source("get")},
        "{p}:endpoints/index: 'index' cannot be a part of a path",
    ),
    "bad folder": ({"endpoints/a b/c.py": ""}, "{p}:endpoints/a b: 'a b' cannot be a part of a path"),
    "pages without a mount": ({"pages/a.py": source("get")}, "The app 'golden' ({p}) has pages/ but its mount None"),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_a_doubtful_tree_stops_the_start_and_names_the_file(plant: Plant, fault: str) -> None:
    files, message = REFUSED[fault]
    app = plant(files)
    with pytest.raises(ConfigurationError) as refusal:
        discover([app])
    assert message.replace("{p}", app.package) in refusal.value.detail


def test_the_cause_of_an_import_error_is_kept(plant: Plant) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        discover([plant({"endpoints/a.py": "import does_not_exist_anywhere"})])
    assert isinstance(refusal.value.__cause__, ModuleNotFoundError)


def test_a_keyword_is_refused_with_advice(plant: Plant) -> None:
    with pytest.raises(ConfigurationError, match="Write import_"):
        discover([plant({"endpoints/import.py": source("post")})])


def test_a_folder_without_init_is_refused(plant: Plant, tmp_path: Path) -> None:
    app = plant({"endpoints/a/b.py": source("get")})
    (tmp_path / app.package / "endpoints" / "a" / "__init__.py").unlink()
    with pytest.raises(ConfigurationError, match=r"endpoints/a/ has no __init__\.py"):
        discover([app])


def test_a_package_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="The app 'ghost' names the package no_such_package_here"):
        discover([App(name="ghost", title="Ghost", package="no_such_package_here", mount="ghost")])


@pytest.mark.parametrize("mount", ["/org", "org/", "Org", "a b", "a//b"])
def test_a_mount_that_is_no_path_is_refused(plant: Plant, mount: str) -> None:
    with pytest.raises(ConfigurationError, match=r"'golden'.*its mount"):
        discover([plant({"endpoints/a.py": source("get")}, mount=mount)])


def test_two_apps_at_one_mount_are_refused(plant: Plant) -> None:
    one = plant({"endpoints/a.py": source("get")}, name="one", mount="org")
    two = plant({"endpoints/b.py": source("get")}, name="two", mount="org")
    with pytest.raises(ConfigurationError, match="'one' and 'two' share the mount /api/v1/org"):
        discover([one, two])


def test_two_apps_at_one_place_of_the_console_are_refused(plant: Plant) -> None:
    one = plant({"pages/a.py": source("get")}, name="one", mount="one", pages="org")
    two = plant({"pages/b.py": source("get")}, name="two", mount="two", pages="org")
    with pytest.raises(ConfigurationError, match="'one' and 'two' share the mount /console/org"):
        discover([one, two])


def test_a_file_below_another_apps_mount_is_refused(plant: Plant) -> None:
    root = plant({"endpoints/org/a.py": source("get")}, name="root", mount="")
    org = plant({"endpoints/b.py": source("get")}, name="org", mount="org")
    with pytest.raises(ConfigurationError) as refusal:
        discover([root, org])
    message = f"{root.package}:endpoints/org/a.py of 'root' answers at /api/v1/org/a, which is 'org''s."
    assert refusal.value.detail == message


def test_an_app_may_be_mounted_inside_another(plant: Plant) -> None:
    outer = plant({"endpoints/a.py": source("get")}, name="outer", mount="org")
    inner = plant({"endpoints/b.py": source("get")}, name="inner", mount="org/staff")
    assert [endpoint.path for endpoint in discover([outer, inner])] == ["/api/v1/org/a", "/api/v1/org/staff/b"]


def test_two_apps_may_share_the_root_but_no_path(plant: Plant) -> None:
    one = plant({"endpoints/a.py": source("get")}, name="one", mount="")
    two = plant({"endpoints/b.py": source("get")}, name="two", mount="")
    assert [endpoint.path for endpoint in discover([one, two])] == ["/api/v1/a", "/api/v1/b"]
    three = plant({"endpoints/a.py": source("get")}, name="three", mount="")
    with pytest.raises(ConfigurationError, match="answers GET /api/v1/a, and so does"):
        discover([one, two, three])


def test_the_lock_agrees_with_itself_and_says_the_first_difference(plant: Plant) -> None:
    app = plant({"endpoints/a.py": source("get"), "endpoints/b.py": source("get")})
    found = discover([app])
    lock = routes_lock(found)
    assert lock == routes_lock(reversed(found))
    assert lock_difference(lock, found) is None
    changed = lock_difference(lock.replace("golden.thing.act", "golden.thing.other", 1), found)
    assert changed is not None
    assert "line 1:" in changed
    assert f"locked: GET /api/v1/golden/a golden.thing.other {app.package}:endpoints/a.py" in changed
    assert f"code:   GET /api/v1/golden/a golden.thing.act {app.package}:endpoints/a.py" in changed
    assert "holdfast routes > routes.lock" in changed
    missing = lock_difference(lock.splitlines(keepends=True)[0], found)
    assert missing is not None
    assert "line 2:\n  locked: (nothing)" in missing
    removed = lock_difference(lock + "GET /gone - x\n", found)
    assert removed is not None
    assert "code:   (nothing)" in removed
    assert lock_difference(lock.rstrip("\n"), found) is not None


def test_the_routes_are_built_in_order_and_shown_in_openapi(plant: Plant) -> None:
    found = discover([plant(GOLDEN, pages="golden")])

    def make(endpoint: Endpoint) -> APIRoute:
        return APIRoute(endpoint.path, endpoint.declared.function, methods=[endpoint.method])

    app = FastAPI()
    app.router = build_router(found, make)
    plain = FastAPI()
    for endpoint in found:
        plain.add_api_route(endpoint.path, endpoint.declared.function, methods=[endpoint.method])
    assert app.openapi()["paths"] == plain.openapi()["paths"]
    assert len(app.openapi()["paths"]) == len({endpoint.path for endpoint in found})
