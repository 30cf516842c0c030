"""People in XLSX: what spreadsheets make of cells, hostile workbooks, and the way out and in again."""

import io
import zipfile
from datetime import date, datetime

import pytest
from openpyxl import Workbook, load_workbook
from workbooks import SHEET, XLSX, replaced, saved, workbook

from holdfast.core.directory.public import ImportPlan
from holdfast.core.directory.service import sheets
from holdfast.core.directory.service.people_files import parse_people

URL = "/api/v1/org/people"
HEADING = ("number", "given_name", "family_name")
GOOD = workbook(HEADING, ("E-1", "Ada", "Smith"))


def faults(content, **how):
    file = parse_people(content, file_name="people.csv", plan=ImportPlan(**how))
    return [(each.line, each.column, each.code) for each in file.faults.listed]


def rows(content):
    file = parse_people(content, file_name="people.csv")
    assert file.faults.listed == []
    return file.rows


async def send(client, org, content, *, query="", kind=XLSX):
    headers = {**org.admin.bearer, "Content-Type": kind}
    return await client.post(f"{URL}/imports{query}", content=content, headers=headers)


# Reading: no database


@pytest.mark.unit
def test_dates_are_dates_and_numbers_are_text_as_they_are_shown():
    heading = (*HEADING, "start_date", "end_date", "phone")
    content = workbook(
        heading,
        (123, "Ada", "Smith", date(2024, 2, 29), datetime(2026, 1, 31), 447700900123),
        (),
        ("00123", " Bo ", "Kim", "2024-01-01", None, "+44 1"),
        (77, "Cy", "Lee", None, None, 12.0),
        (None, None, "", None, None, None),
        formats={"A5": "00000"},
    )
    found = rows(content)
    assert [(row.line, row.number, row.given_name, row.phone) for row in found] == [
        (2, "123", "Ada", "447700900123"),
        (4, "00123", "Bo", "+44 1"),
        (5, "00077", "Cy", "12"),
    ]
    assert [(row.start_date, row.end_date) for row in found] == [
        (date(2024, 2, 29), date(2026, 1, 31)),
        (date(2024, 1, 1), None),
        (None, None),
    ]


@pytest.mark.unit
def test_what_a_spreadsheet_has_made_of_text_is_a_fault_of_its_row():
    content = workbook(
        (*HEADING, "start_date", "email"),
        (1.5, "a", "b"),
        (1234567890123456, "a", "b"),
        (date(2024, 1, 2), "a", "b"),
        ("4", "=A1", "b"),
        ("5", "a", True),
        ("6", "#N/A", "b"),
        ("7", "a", "b", datetime(2024, 1, 2, 3, 4)),
        ("8", "a", "b", 45000),
        ("9", "a\nb", "b"),
        ("10", "a", "b", None, None, "beyond"),
    )
    assert faults(content) == [
        (2, "number", "number"),
        (3, "number", "number"),
        (4, "number", "date"),
        (5, "given_name", "formula"),
        (6, "family_name", "invalid"),
        (7, "given_name", "error_value"),
        (8, "start_date", "invalid"),
        (9, "start_date", "invalid"),
        (10, "given_name", "control_character"),
        (11, None, "cells"),
    ]


@pytest.mark.unit
def test_the_first_visible_sheet_is_read_from_its_first_row_that_holds_anything():
    book = Workbook()
    book.active.append(["not", "this"])
    book.active.sheet_state = "hidden"
    shown = book.create_sheet("Staff")
    for row in ((), HEADING, ("E-1", "a", "b")):
        shown.append(row)
    assert [(row.line, row.number) for row in rows(saved(book))] == [(3, "E-1")]
    assert faults(workbook()) == [(1, None, "empty")]
    assert faults(workbook(HEADING)) == [(1, None, "no_rows")]
    assert faults(workbook([f"c{n}" for n in range(300)])) == [(1, None, "too_many_columns")]


@pytest.mark.unit
def test_the_content_decides_not_the_name_and_a_broken_workbook_is_a_fault():
    assert parse_people(b"number,given_name,family_name\n1,a,b\n", file_name="people.xlsx").rows[0].number == "1"
    assert rows(GOOD)[0].number == "E-1"
    assert faults(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 600) == [(1, None, "old_format")]
    assert faults(GOOD[:-100]) == [(1, None, "unreadable")]
    assert faults(GOOD[:200] + b"\x00" * 50 + GOOD[250:]) == [(1, None, "unreadable")]
    empty = io.BytesIO()
    zipfile.ZipFile(empty, "w").writestr("hello.txt", "hello")
    assert faults(empty.getvalue()) == [(1, None, "unreadable")]
    for cell in (b'<c t="s"><v>99</v></c>', b"<c><v>x</v></c>", b'<c r="QQQQ1"><v>1</v></c>', b'<c s="x"><v>1</v></c>'):
        assert faults(replaced(GOOD, sheet=SHEET % b"<row>%s</row>" % cell)) == [(1, None, "unreadable")], cell


@pytest.mark.unit
def test_bombs_are_refused_before_anything_is_built_of_them(monkeypatch):
    def refused(content):
        return [code for _, _, code in faults(content)]

    packed = replaced(GOOD, sheet=SHEET % (b"<row/>" * 1_000_000))
    assert len(packed) < 50_000
    assert refused(packed) == ["too_large"]
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(sheets.MOST_PARTS + 1):
            archive.writestr(f"{number}.xml", "")
    assert refused(many.getvalue()) == ["bad_archive"]
    entity = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'
    assert refused(replaced(GOOD, styles=entity)) == ["bad_archive"]
    assert refused(replaced(GOOD, styles=entity.decode().encode("utf-16"))) == ["bad_archive"]
    lied = bytearray(replaced(GOOD, sheet=SHEET % (b"<row/>" * 400)))
    lied_at = lied.rfind(b"PK\x01\x02", 0, lied.rfind(b"xl/worksheets/sheet1.xml"))
    lied[lied_at + 24 : lied_at + 28] = (100).to_bytes(4, "little")
    assert refused(bytes(lied)) == ["unreadable"]
    monkeypatch.setattr(sheets, "MOST_RATIO", 10_000)
    assert refused(replaced(GOOD, sheet=SHEET % (b"<x/>" * 200_000))) == ["too_complex"]
    assert refused(replaced(GOOD, sheet=SHEET % (b"<row>" + b"<c/>" * 30_000 + b"</row>"))) == ["too_complex"]
    assert refused(replaced(GOOD, styles=b"<x>" * 100_000)) == ["too_complex"]
    monkeypatch.setattr(sheets, "MOST_BYTES", 1000)
    assert refused(GOOD) == ["too_large"]


@pytest.mark.unit
def test_rows_that_are_not_there_do_not_keep_anyone_waiting(monkeypatch):
    monkeypatch.setattr(sheets, "MOST_ROWS", 5000)
    heading = b"".join(b'<c t="inlineStr"><is><t>%s</t></is></c>' % name.encode() for name in HEADING)
    far = b'<row r="1">%s</row><row r="2000000000"><c><v>1</v></c></row>' % heading
    assert faults(replaced(GOOD, sheet=SHEET % far)) == [(1, None, "too_many_rows")]
    assert faults(replaced(GOOD, sheet=SHEET % b'<row r="2000000000"><c><v>1</v></c></row>')) == [(1, None, "empty")]


# The whole way


@pytest.mark.endpoint
@pytest.mark.portable
async def test_a_workbook_goes_in_and_comes_out_again(client, org, other):
    heading = (*HEADING, "email", "job_title", "manager_number", "start_date", "status")
    content = workbook(
        heading,
        ("00123", "Ada", "Łovelace", "ada@x.test", "'=cmd", None, date(2024, 2, 29), "active"),
        (77, "Bo", "#N/A", None, "-5", "00123", None, "left"),
    )
    broken = await send(client, org, content)
    assert [each["location"] for each in broken.json()["errors"]] == ["line 3, column family_name"]
    content = workbook(
        heading,
        ("00123", "Ada", "Łovelace", "ada@x.test", "'=cmd", None, date(2024, 2, 29), "active"),
        (77, "Bo", "N/A", None, "-5", "00123", None, "left"),
    )
    made = await send(client, org, content, kind="text/csv")
    assert made.status_code == 201, made.text
    listed = (await client.get(f"{URL}?sort=number", headers=org.admin.bearer)).json()["data"]
    assert [(row["number"], row["job_title"], row["start_date"]) for row in listed] == [
        ("00123", "=cmd", "2024-02-29"),
        ("77", "-5", None),
    ]
    out = await client.get(f"{URL}/exports?format=xlsx", headers=org.auditor.bearer)
    assert (out.status_code, out.headers["content-type"]) == (200, XLSX), out.text
    assert out.headers["content-disposition"] == 'attachment; filename="people.xlsx"'
    sheet = load_workbook(io.BytesIO(out.content)).active
    cells = [[(cell.value, cell.data_type) for cell in row] for row in sheet.iter_rows(min_row=2)]
    assert cells[0][0] == ("00123", "s")
    assert cells[0][5] == ("'=cmd", "s")
    assert cells[0][9] == (datetime(2024, 2, 29), "d")
    assert not any(kind == "f" for row in cells for _, kind in row)
    again = await send(client, other, out.content)
    assert again.status_code == 201, again.text
    text = [await client.get(f"{URL}/exports", headers=each.admin.bearer) for each in (org, other)]
    assert text[0].content == text[1].content
    assert (await client.get(f"{URL}/exports?format=xlsx", headers=org.viewer.bearer)).status_code == 403
    few = await client.get(f"{URL}/exports?columns=family_name,number&q=ada", headers=org.admin.bearer)
    assert few.content.decode("utf-8-sig").splitlines() == ['"family_name","number"', '"Łovelace","00123"']
    entries = await client.get(
        "/api/v1/audit/entries?action=directory.person.export&outcome=success", headers=org.auditor.bearer
    )
    assert len(entries.json()["data"]) == 3


@pytest.mark.unit
def test_a_text_is_never_written_as_a_formula_an_error_or_what_no_reader_takes():
    writer = sheets.SheetWriter(["a", "b", "c"])
    writer.add([["=1+1", "#N/A", "a\ufffeb\x01"]])
    target = io.BytesIO()
    writer.save(target)
    [row] = load_workbook(target).active.iter_rows(min_row=2)
    assert [(cell.value, cell.data_type) for cell in row] == [("=1+1", "s"), ("#N/A", "s"), ("a\ufffdb\ufffd", "s")]


@pytest.mark.unit
@pytest.mark.filterwarnings("ignore:Data Validation extension:UserWarning")
def test_what_else_a_workbook_holds_is_left_alone():
    extended = GOOD
    with zipfile.ZipFile(io.BytesIO(GOOD)) as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml")
    uri = b"{CCE6A557-97BC-4b89-ADB6-D9C93CAAB3DF}"
    extended = replaced(
        GOOD,
        **{
            "sheet": sheet.replace(b"</worksheet>", b'<extLst><ext uri="%s"/></extLst></worksheet>' % uri),
            "xl/media/image1.png": b"\x89PNG\r\n\x1a\n" + b"\x00" * 100,
            "xl/externalLinks/externalLink1.xml": b"<externalLink/>",
        },
    )
    assert rows(extended)[0].number == "E-1"
