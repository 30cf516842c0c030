"""The API keeps the promises of its OpenAPI document: generated requests as each role, on the demo data."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as how
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from holdfast.core.identity.demo import PASSWORD
from holdfast.core.identity.public import find_tenant_id
from holdfast.demo import load_demo
from holdfast.kernel.clock import rfc3339, system_clock
from holdfast.kernel.jobs import JOBS
from holdfast.kernel.permissions import SYSTEM
from holdfast.main import open_installation, prepare
from serving import Served, serve
from support import fresh_database

pytestmark = [pytest.mark.endpoint, pytest.mark.timeout(300)]

ROLES = {"admin": "ceo", "operator": "operator", "user": "user", "viewer": "viewer", "auditor": "auditor"}
WIDE = {"admin", "operator"}
EXAMPLES = 6
FEW = 2  # where nearly everything is refused: to a role with few rights, or with ids that stand for nothing
CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)
# Ending one's own session, or a policy that asks for what the others lack, would end the walk: these have tests of
# their own.
LEFT_OUT = {"POST /api/v1/auth/logout", "PUT /api/v1/sign-in-policy"}
REACHED = 0.7


@dataclass
class Demo:
    """The demo, served; and real values of its organisation, by the names that parameters have."""

    served: Served
    document: dict[str, Any]
    values: dict[str, dict[str, list[Any]]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """Serve the demo on SQLite; what is generated reads the document that the program gives."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def await_(coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result()

    context = fresh_database("sqlite")
    settings = await_(context.__aenter__())
    try:
        await_(load(settings.model_copy(update={"demo": True})))
        with serve(settings, DEMO="true", RATE_LIMIT_ENABLED="false", JSON_MAX_DEPTH="32") as served:
            document = httpx.get(f"{served.url}/api/openapi.json").json()
            yield Demo(served, document)
    finally:
        await_(context.__aexit__(None, None, None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def load(settings: Any) -> None:
    home = open_installation(settings)
    await prepare(home)
    await load_demo(home.works)
    tenant_id = await find_tenant_id(home.works, slug="medcare")
    async with home.works.begin(tenant_id, SYSTEM) as work:
        for _ in range(3 * len(ROLES)):  # as many as are cancelled
            await work.enqueue(JOBS["jobs.job.sweep"], delay=timedelta(days=1))
    await home.close()


def signed_in(demo: Demo, role: str, *, slug: str = "medcare") -> dict[str, str]:
    body = {"email": f"{ROLES[role]}@{slug}.com", "password": PASSWORD}
    answer = httpx.post(f"{demo.served.url}/api/v1/auth/login", json=body, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()


def real_values(demo: Demo, bearer: dict[str, str]) -> dict[str, list[Any]]:
    """Return ids of rows that are there, by the names of path parameters."""
    with httpx.Client(base_url=f"{demo.served.url}/api/v1", headers=bearer, timeout=30) as client:

        def ids(path: str) -> list[str]:
            return [row["id"] for row in client.get(f"{path}?page_size=5").json()["data"]]

        companies = ids("/org/companies")
        code = f"DEL-{role_number()}"
        gone = client.post("/org/companies", json={"code": code, "name": "To be deleted"}).json()["id"]
        file = {"file": ("staff.csv", f"number,given_name,family_name\n{code},Ann,Other\n".encode())}
        imported = client.post("/org/people/imports", files=file)
        # Of its own for each walk, which may delete it.
        user = client.post("/users", json={"email": f"u{code}@x.test", "name": "Walk", "roles": ["User"]}).json()["id"]
        role = client.post("/roles", json={"name": f"Role {code}", "permissions": []}).json()["id"]

        # Of its own too: with a place that is deleted go the people who work there, and their accounts with them.
        def place(kind: str) -> str:
            made = {"code": code, "name": "To be deleted", "company_id": companies[-1]}
            return client.post(f"/org/{kind}", json=made).json()["id"]

        person = client.post(
            "/org/people", json={"number": f"P-{code}", "given_name": "Ann", "family_name": "Other"}
        ).json()["id"]
        uploaded = file_of(client)
        ends = {"label": "Walk", "expires_at": rfc3339(system_clock() + timedelta(days=1))}
        return {
            # Operators' operations: nobody here is one, so that any id will do.
            "organization_id": [str(uuid4())],
            "access_id": [str(uuid4())],
            "key_id": [client.post("/api-keys", json=ends).json()["id"]],
            "company_id": [gone, *companies],
            "branch_id": [place("branches")],
            "department_id": [place("departments")],
            "group_id": ids("/org/groups"),
            "person_id": [person],  # not one of those whose account would go with them
            "import_id": [imported.json()["id"]],
            "entry_id": ids("/audit/entries"),
            "job_id": ids("/jobs"),
            "file_id": [uploaded],
            "number": [1],
            "upload_id": [client.post("/files/uploads", json={"name": "walk.bin", "size": 9}).json()["id"]],
            "link_id": [client.post(f"/files/{uploaded}/links", json={}).json()["id"]],
            "user_id": [user],
            "role_id": [role],
            "suppression_id": [client.post("/notify/suppressions", json={"address": f"{code}@x.test"}).json()["id"]],
            "assignment_id": ids(f"/users/{user}/roles"),
            "name": ["console.theme"],
            "message": ["identity.new_sign_in"],
            "locale": ["en"],
            "notice_id": ids("/notify/inbox"),
            "entity_type": ["company"],
            "entity_id": companies,
        }


def file_of(client: httpx.Client) -> str:
    """Upload a file for this walk and return its id."""
    return client.post("/files", params={"name": "walk.txt"}, content=f"walk {role_number()}".encode()).json()["id"]


_counter = iter(range(1, 1_000_000))


def role_number() -> int:
    return next(_counter)


@pytest.mark.parametrize("role", ROLES)
def test_every_operation_answers_as_documented(demo, role):
    admin = {"Authorization": f"Bearer {signed_in(demo, 'admin')['access_token']}"}
    real = real_values(demo, admin)
    tokens, _ = signed_in(demo, role), signed_in(demo, role)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    sessions = httpx.get(f"{demo.served.url}/api/v1/auth/sessions", headers=bearer, timeout=30).json()["data"]
    real["session_id"] = [row["id"] for row in sessions if not row["current"]]
    schema = schemathesis.openapi.from_dict(demo.document)
    reached: dict[str, set[int]] = defaultdict(set)
    broken: list[str] = []
    # What deletes comes last, what stands deepest first: the rest needs its rows.
    operations = [found.ok() for found in schema.get_all_operations()]
    for operation in sorted(operations, key=lambda each: (each.method == "delete", -each.path.count("/"))):
        if operation.label in LEFT_OUT:
            continue
        names = [parameter.name for parameter in operation.path_parameters]
        missing = [name for name in names if not real.get(name)]
        assert not missing, f"{operation.label}: no real value for {missing}"
        for given_values in (real, {}):
            codes = reached[operation.label]
            try_operation(demo, operation, bearer, tokens, given_values, codes, broken, wide=role in WIDE)
    assert not broken, "\n\n".join(broken)
    if role == "admin":
        for label in [label for label in reached if "/platform/" in label]:
            del reached[label]  # nobody here is an operator
        good = {label for label, codes in reached.items() if any(200 <= code < 300 for code in codes)}
        assert len(good) >= REACHED * len(reached), sorted(set(reached) - good)
    else:
        # A role without a right is refused, not let through: what it reached is what the document says it may.
        assert all(codes for codes in reached.values())


APART = ("branch_id", "parent_id", "department_id", "head_person_id", "manager_id", "person_id", "group_id")


def fitted(body: dict[str, Any], real: dict[str, list[Any]]) -> dict[str, Any]:
    """Return a generated body with what no generator can guess: rows that are there, a moment ahead, a free address."""
    made = {name: value for name, value in body.items() if name not in APART}
    known = {
        "company_id": real["company_id"][-1],
        "person_ids": real["person_id"][:1],
        "role": "Viewer",
        "roles": [],
        "email": f"walk-{uuid4().hex[:12]}@x.test",
        "expires_at": rfc3339(system_clock() + timedelta(days=1)),
        "ends_at": rfc3339(system_clock() + timedelta(days=1)),
    }
    made |= {name: value for name, value in known.items() if name in made}
    for name in ("code", "number"):
        if name in made:
            made[name] = f"W-{uuid4().hex[:12]}"
    return made


def try_operation(
    demo: Demo,
    operation: Any,
    bearer: dict[str, str],
    tokens: dict,
    real: dict,
    codes: set[int],
    broken: list[str],
    *,
    wide: bool,
) -> None:
    """Send generated requests of one operation, with real values in its path or with generated ones."""
    strategy = operation.as_strategy()

    @seed(20)
    @how(
        max_examples=EXAMPLES if real and wide else FEW,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=strategy)
    def run_cases(case: Any) -> None:
        for name in case.path_parameters or {}:
            if name in real:
                case.path_parameters[name] = real[name][0]
        if operation.label == "POST /api/v1/auth/refresh" and real and isinstance(case.body, dict):
            case.body["refresh_token"] = tokens["refresh_token"]
        if real and isinstance(case.body, dict):
            case.body = fitted(case.body, real)
        if operation.label == "POST /api/v1/auth/step-up" and real and isinstance(case.body, dict):
            case.body = {"password": PASSWORD}
        case.headers = {**(case.headers or {}), **bearer}
        if real and case.headers.get("If-Match"):
            case.headers["If-Match"] = "*"
        response = case.call(base_url=demo.served.url)
        codes.add(response.status_code)
        try:
            case.validate_response(response, checks=list(CHECKS))
        except (Failure, FailureGroup) as error:
            broken.append(f"{operation.label}: {response.status_code}\n{error}"[:1500])

    run_cases()


def test_what_a_patch_leaves_out_stays_so_it_shows_no_defaults(demo) -> None:
    schemas, shown = demo.document["components"]["schemas"], 0
    for path, operations in demo.document["paths"].items():
        if "patch" in operations:
            content = operations["patch"]["requestBody"]["content"]
            if "application/json" not in content:
                continue  # the bytes of a file
            body = content["application/json"]["schema"]
            body = body.get("anyOf", [body])[0]  # where it may be left out
            name = body["$ref"].split("/")[-1]
            for field, schema in schemas[name]["properties"].items():
                shown += 1
                assert schema.get("default") is None, (path, name, field)
    assert shown > 10
