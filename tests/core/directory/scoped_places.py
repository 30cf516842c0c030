"""A small organisation: two companies, two branches, a tree of departments, a group; and who is where."""

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from support import Org

ORG = "/api/v1/org"


@dataclass
class Places:
    """The unit of each kind, and by kind the ids that lie within it; `elsewhere` is a department in none of them."""

    unit: dict[str, str] = field(default_factory=dict)
    people: dict[str, set[str]] = field(default_factory=dict)
    departments: dict[str, set[str]] = field(default_factory=dict)
    branches: dict[str, set[str]] = field(default_factory=dict)
    companies: dict[str, set[str]] = field(default_factory=dict)
    elsewhere: str = ""

    @classmethod
    async def make(cls, client: Any, org: Org) -> "Places":
        async def post(path: str, **body: object) -> str:
            answer = await client.post(f"{ORG}/{path}", json=body, headers=org.admin.bearer)
            assert answer.status_code == 201, answer.text
            return answer.json()["id"]

        async def person(**place: str) -> str:
            return await post("people", number=uuid4().hex[:8], given_name="Ann", family_name="Other", **place)

        ours, theirs = await post("companies", code="A", name="A"), await post("companies", code="B", name="B")
        here = await post("branches", code="H", name="Here", company_id=ours)
        there = await post("branches", code="T", name="There", company_id=theirs)
        top = await post("departments", code="TOP", name="Top", branch_id=here)
        below = await post("departments", code="LOW", name="Below", parent_id=top)
        side = await post("departments", code="SIDE", name="Side", company_id=ours)
        away = await post("departments", code="AWAY", name="Away", branch_id=there)
        in_top, in_below, in_side = [await person(department_id=each) for each in (top, below, side)]
        in_branch, in_away, nowhere = await person(branch_id=here), await person(department_id=away), await person()
        group = await post("groups", code="G", name="First aiders")
        members = {"person_ids": [in_away, nowhere]}
        put = await client.post(f"{ORG}/groups/{group}/members", json=members, headers=org.admin.bearer)
        assert put.status_code == 200, put.text
        return cls(
            unit={"company": ours, "branch": here, "department": top, "group": group},
            people={
                "company": {in_top, in_below, in_side, in_branch},
                "branch": {in_top, in_below, in_branch},
                "department": {in_top, in_below},
                "group": {in_away, nowhere},
                "all": {in_top, in_below, in_side, in_branch, in_away, nowhere},
            },
            departments={
                "company": {top, below, side},
                "branch": {top, below},
                "department": {top, below},
                "group": set(),
            },
            branches={"company": {here}, "branch": {here}, "department": set(), "group": set()},
            companies={"company": {ours}, "branch": set(), "department": set(), "group": set()},
            elsewhere=away,
        )
