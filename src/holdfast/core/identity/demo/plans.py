"""What each demo organisation has of roles, programs and rules for signing in."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Place = tuple[str, str]  # the code of a branch, and the name of one of its departments

_SEE = ("directory.organization.read", "directory.company.read", "directory.branch.read", "directory.department.read")
_LEAD = (*_SEE, "directory.person.read", "directory.person.create", "directory.person.update")
_STAFF = (
    *_LEAD,
    "directory.person.import",
    "directory.person.export",
    "directory.group.read",
    "directory.group.assign",
)


@dataclass(frozen=True, slots=True)
class OwnRole:
    """A role of the organisation's own."""

    name: str
    description: str
    permissions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AccessPlan:
    """Who may what where in one demo organisation, beside the sign-ins that each has.

    `lead` is held by the head of `department` within it and by the head of `branch` within that branch, `duty` by the
    `program` (user name, name) everywhere. Somebody of `company` audits the company of that branch until a day.
    """

    lead: OwnRole
    duty: OwnRole
    department: Place
    branch: Place
    company: Place
    program: tuple[str, str]
    policy: Mapping[str, int] = field(default_factory=dict)


ACCESS = {
    "techstart": AccessPlan(
        lead=OwnRole("Team lead", "Keeps the people of a team up to date", _LEAD),
        duty=OwnRole("Onboarding", "Adds those who join and puts them into their groups", _STAFF),
        department=("TS-HQ", "Product"),
        branch=("TS-HQ", "Sales"),
        company=("TS-HQ", "Finance"),
        program=("hr-sync", "HR interface"),
    ),
    "fashionhub": AccessPlan(
        lead=OwnRole("Store manager", "Keeps the people of a store up to date", _LEAD),
        duty=OwnRole("Staffing planner", "Adds and imports the people of all stores", _STAFF),
        department=("FH-S01", "Sales floor"),
        branch=("FH-S15", "Sales floor"),
        company=("FH-HQ", "Finance"),
        program=("rota", "Rota planning"),
    ),
    "medcare": AccessPlan(
        lead=OwnRole("Clinical lead", "Keeps the people of a ward or a hospital up to date", _LEAD),
        duty=OwnRole("Workforce registrar", "Adds and imports staff of all hospitals", _STAFF),
        department=("MC-NOR", "Emergency"),
        branch=("MC-CHI", "Medicine"),
        company=("MC-HQ", "Clinical governance"),
        program=("roster", "Duty roster"),
        # Workstations on a ward are shared; nobody's shift is longer than twelve hours.
        policy={"session_idle_minutes": 20, "session_absolute_hours": 12},
    ),
    "cloudwork": AccessPlan(
        lead=OwnRole("Team lead", "Keeps the people of a team up to date", _LEAD),
        duty=OwnRole(
            "Service desk",
            "Helps users who cannot sign in",
            (
                "identity.user.read",
                "identity.session.read",
                "identity.session.revoke",
                "identity.password.reset",
                "directory.person.read",
            ),
        ),
        department=("CW-US", "Support"),
        branch=("CW-IN", "Engineering"),
        company=("CW-DE", "Finance"),
        program=("tickets", "Ticket system"),
    ),
    "fintech": AccessPlan(
        lead=OwnRole("Department head", "Keeps the people of a department up to date", _LEAD),
        duty=OwnRole(
            "Access reviewer",
            "Looks every quarter at who may what",
            ("identity.user.read", "identity.role.read", "identity.sign_in_policy.read", "audit.entry.read"),
        ),
        department=("FT-HQ", "Lending"),
        branch=("FT-IE", "Compliance"),
        company=("FT-OPS", "Internal audit"),
        program=("access-review", "Access review"),
        policy={
            "password_min_length": 16,
            "password_min_length_with_mfa": 10,
            "session_idle_minutes": 15,
            "session_absolute_hours": 8,
            "refresh_idle_days": 1,
            "refresh_absolute_days": 7,
        },
    ),
}
