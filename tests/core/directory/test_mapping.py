"""Headings that are not ours: what they mean comes with the file."""

import json

import pytest

from holdfast.core.directory.public import ImportPlan, plan_of
from holdfast.core.directory.service.mapping import mapping_of, parse_mapping
from holdfast.core.directory.service.people_files import parse_people
from holdfast.kernel.errors import Invalid

URL = "/api/v1/org/people"
THEIRS = "StaffNo;Vorname;Family Name;Shoe size\nE-1;Ada;Smith;38\n"
MEANING = {"number": "staffno", "given_name": "Vorname", "ignore": ["shoe-size"]}


def faults(text, mapping):
    file = parse_people(text.encode(), file_name="f.csv", plan=ImportPlan(mapping=mapping))
    return [(each.column, each.code) for each in file.faults.listed]


@pytest.mark.unit
def test_a_mapping_says_what_headings_mean_and_which_are_left_out():
    file = parse_people(
        THEIRS.encode(), file_name="f.csv", plan=ImportPlan(mapping=parse_mapping(json.dumps(MEANING), "x"))
    )
    assert file.faults.listed == []
    assert [(row.number, row.given_name, row.family_name) for row in file.rows] == [("E-1", "Ada", "Smith")]
    assert file.columns == {"number", "given_name", "family_name"}


@pytest.mark.unit
def test_headings_that_are_not_known_not_there_or_taken_twice_are_faults():
    assert faults(THEIRS, {}) == [
        ("StaffNo", "unknown_column"),
        ("Vorname", "unknown_column"),
        ("Shoe size", "unknown_column"),
        ("number", "missing_column"),
        ("given_name", "missing_column"),
    ]
    known = {"staffno": "number", "vorname": "given_name", "shoe_size": ""}
    assert faults(THEIRS, known) == []
    assert faults(THEIRS, {**known, "mail": "email"}) == [("email", "missing_column")]
    assert faults(THEIRS, {**known, "shoe_size": "number"}) == [("number", "column_twice")]
    # A heading of ours means nothing any more where another one has its column.
    both = "StaffNo;Number;Vorname;Family Name\n1;2;a;b\n"
    assert faults(both, {"staffno": "number", "vorname": "given_name"}) == [("Number", "unknown_column")]
    assert faults(both, {"staffno": "number", "vorname": "given_name", "number": ""}) == []


@pytest.mark.unit
@pytest.mark.parametrize(
    ("text", "location"),
    [
        ("[]", "query.mapping"),
        ("{", "query.mapping"),
        ("5", "query.mapping"),
        ('{"salary": "x"}', "query.mapping.salary"),
        ('{"number": 5}', "query.mapping.number"),
        ('{"number": ""}', "query.mapping.number"),
        ('{"number": ["a"]}', "query.mapping.number"),
        ('{"number": "a", "email": "A "}', "query.mapping.email"),
        ('{"number": "a", "ignore": ["A"]}', "query.mapping.ignore"),
        ('{"ignore": [{}]}', "query.mapping.ignore"),
        (json.dumps({"ignore": ["x"] * 201}), "query.mapping.ignore"),
        (json.dumps({"number": "x" * 201}), "query.mapping.number"),
    ],
)
def test_a_wrong_mapping_names_the_member(text, location):
    with pytest.raises(Invalid) as refused:
        parse_mapping(text, "query.mapping")
    assert [each.location for each in refused.value.errors] == [location]


@pytest.mark.unit
def test_a_command_names_its_mapping_pair_by_pair():
    assert mapping_of(["number=Staff No", "ignore=a", "ignore=b"], "map") == {"staff_no": "number", "a": "", "b": ""}
    for pairs in (["number"], ["number=a", "number=b"], ["salary=x"], ["number="]):
        with pytest.raises(Invalid):
            plan_of(mapping=pairs)


@pytest.mark.endpoint
async def test_the_mapping_comes_in_the_query_or_in_the_form(client, org):
    text, admin = json.dumps(MEANING), org.admin.bearer
    raw = await client.post(
        f"{URL}/imports",
        params={"mapping": text, "dry_run": "true"},
        content=THEIRS,
        headers={**admin, "Content-Type": "text/csv"},
    )
    assert (raw.status_code, raw.json()["error_count"]) == (200, 0), raw.text
    file = {"file": ("staff.csv", THEIRS.encode())}
    form = await client.post(f"{URL}/imports", files=file, data={"mapping": text}, headers=admin)
    assert form.status_code == 201, form.text
    refused = await client.post(f"{URL}/imports", files=file, data={"mapping": '{"x": "y"}'}, headers=admin)
    assert (refused.status_code, refused.json()["errors"][0]["location"]) == (422, "body.mapping.x")
    refused = await client.post(f"{URL}/imports?mapping=x", files=file, headers=admin)
    assert (refused.status_code, refused.json()["errors"][0]["location"]) == (422, "query.mapping")
    refused = await client.post(f"{URL}/imports", files={**file, "mapping": ("m", b"{}")}, headers=admin)
    assert (refused.status_code, refused.json()["code"]) == (400, "BAD_REQUEST")
    unmapped = await client.post(f"{URL}/imports", files=file, headers=admin)
    assert [each["code"] for each in unmapped.json()["errors"]][:1] == ["unknown_column"]
    assert "'StaffNo'" in unmapped.json()["errors"][0]["message"]
