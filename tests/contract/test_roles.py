"""Who may what: the role × permission table, as declared, as shown to the caller, and as every operation obeys it."""

import pytest
from operations import API, Stage, fill, key_of, prepare, random_values

from holdfast.kernel.discovery import discover
from holdfast.kernel.plugins import installed_apps

pytestmark = pytest.mark.endpoint
ROLES = ("Admin", "Operator", "User", "Viewer", "Auditor")
EVERYONE = set(ROLES)
TABLE = {
    "audit.entry.read": {"Admin", "Auditor"},
    "audit.entry.export": {"Admin", "Auditor"},
    "notify.template.read": {"Admin", "Auditor"},
    "notify.template.edit": {"Admin"},
    "jobs.job.read": {"Admin", "Auditor"},
    "jobs.job.retry": {"Admin"},
    "jobs.job.cancel": {"Admin"},
    "directory.organization.read": EVERYONE,
    "directory.organization.update": {"Admin"},
    "directory.company.read": EVERYONE,
    "directory.company.create": {"Admin"},
    "directory.company.update": {"Admin"},
    "directory.company.delete": {"Admin"},
    "directory.company.restore": {"Admin"},
    "directory.branch.read": EVERYONE,
    "directory.branch.create": {"Admin"},
    "directory.branch.update": {"Admin"},
    "directory.branch.delete": {"Admin"},
    "directory.branch.restore": {"Admin"},
    "directory.department.read": EVERYONE,
    "directory.department.create": {"Admin"},
    "directory.department.update": {"Admin"},
    "directory.department.delete": {"Admin"},
    "directory.department.restore": {"Admin"},
    "directory.group.read": EVERYONE,
    **{f"directory.group.{action}": {"Admin"} for action in ("create", "update", "delete", "restore", "assign")},
    "directory.person.read": EVERYONE,
    "directory.person.create": {"Admin"},
    "directory.person.update": {"Admin"},
    "directory.person.delete": {"Admin"},
    "directory.person.restore": {"Admin"},
    "directory.person.export": {"Admin", "Auditor"},
    "directory.person.import": {"Admin"},
    "files.file.read": EVERYONE,
    "files.file.create": {"Admin", "Operator", "User"},
    "files.file.update": {"Admin", "Operator", "User"},
    "files.file.delete": {"Admin"},
    "files.file.restore": {"Admin"},
    "files.file.purge": {"Admin"},
    "files.usage.read": {"Admin", "Auditor"},
    "files.link.read": {"Admin", "Auditor"},
    "files.link.create": {"Admin", "Operator"},
    "files.link.delete": {"Admin"},
    "notify.suppression.read": {"Admin", "Operator", "Auditor"},
    "notify.suppression.edit": {"Admin", "Operator"},
    "identity.user.read": {"Admin", "Auditor"},
    "identity.session.read": {"Admin"},
    "identity.session.revoke": {"Admin"},
    "identity.user.suspend": {"Admin"},
    "identity.user.impersonate": {"Admin"},
    "identity.api_key.create": {"Admin", "Operator"},
    "identity.api_key.read": {"Admin"},
    "identity.api_key.revoke": {"Admin"},
    "identity.service_account.create": {"Admin"},
    "identity.service_account.update": {"Admin"},
    "identity.sign_in_policy.read": {"Admin", "Auditor"},
    "identity.sign_in_policy.update": {"Admin"},
    "identity.application.read": {"Admin", "Auditor"},
    "identity.application.update": {"Admin"},
    "identity.password.reset": {"Admin"},
    "identity.mfa.reset": {"Admin"},
    "identity.user.create": {"Admin"},
    "identity.user.update": {"Admin"},
    "identity.user.change_email": {"Admin"},
    "identity.user.delete": {"Admin"},
    "identity.user.restore": {"Admin"},
    "identity.user.import": {"Admin"},
    "identity.role.read": {"Admin", "Auditor"},
    "identity.role.assign": {"Admin"},
    "identity.role.create": {"Admin"},
    "identity.role.update": {"Admin"},
    "identity.role.delete": {"Admin"},
    "identity.role.restore": {"Admin"},
}
# Of operators, in their own organisation; nobody holds them in another.
PLATFORM = {
    "platform.organization.read": {"Admin"},
    "platform.organization.create": {"Admin"},
    "platform.organization.suspend": {"Admin"},
    "platform.organization.delete": {"Admin"},
    "platform.organization.export": {"Admin"},
    "platform.organization.limit": {"Admin"},
    "platform.cache.clear": {"Admin"},
    "platform.break_glass.open": {"Admin"},
    "platform.break_glass.read": {"Admin", "Auditor"},
}
OF_ADMINISTRATORS = {"identity.session.read", "identity.api_key.read"}
GUARDED = [endpoint for endpoint in API if endpoint.permission not in ("public", "signed_in")]


@pytest.mark.unit
def test_the_table_of_roles_is_the_reference() -> None:
    declared = [each for app in installed_apps() for each in app.permissions]
    assert {each.name: set(each.roles) for each in declared if not each.platform} == TABLE
    assert {each.name: set(each.roles) for each in declared if each.platform} == PLATFORM
    asked = {endpoint.permission for endpoint in discover(installed_apps())} - {"public", "signed_in"}
    assert asked <= set(TABLE) | set(PLATFORM)
    for name, roles in TABLE.items():
        if name.startswith("directory.") and not name.endswith((".read", ".export")):
            assert roles == {"Admin"}, "only Admin writes the directory"
        if name.endswith(".read") and name not in OF_ADMINISTRATORS:
            assert "Auditor" in roles, "Auditor reads all and the trail"
        if name.startswith("directory.") and name.endswith(".read"):
            assert {"User", "Viewer"} <= roles, "User and Viewer read"


@pytest.mark.parametrize("role", ROLES)
async def test_me_shows_what_a_role_may(role: str, client, org) -> None:
    me = (await client.get("/api/v1/auth/me", headers=org.members[role.lower()].bearer)).json()
    assert me["roles"] == [role]
    assert set(me["permissions"]) == {name for name, roles in TABLE.items() if role in roles}


async def test_two_roles_may_what_either_may(client, stage: Stage) -> None:
    both = await stage.user("Viewer", "Auditor")
    me = (await client.get("/api/v1/auth/me", headers=both.bearer)).json()
    assert me["roles"] == ["Auditor", "Viewer"]
    assert set(me["permissions"]) == {name for name, roles in TABLE.items() if roles & {"Viewer", "Auditor"}}


@pytest.mark.parametrize("endpoint", GUARDED, ids=key_of)
async def test_an_operation_refuses_exactly_the_roles_that_the_table_says(endpoint, stage: Stage) -> None:
    await fill(stage, endpoint)
    request = await prepare(stage, endpoint)
    stage.values = random_values(stage)
    allowed = set()
    for role in ROLES:
        answer = await stage.send(key_of(endpoint), **request, headers=stage.org.members[role.lower()].bearer)
        if answer.status_code != 403:
            assert answer.is_success or answer.status_code in {404, 409}, answer.text
            allowed.add(role)
    assert allowed == TABLE[endpoint.permission]
