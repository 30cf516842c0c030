"""What the tests of the directory share: rows made by requests, and what the trail says of them."""

import html
import re
from itertools import count

import httpx

from support import Org

ORG = "/api/v1/org"
_numbers = count(1)


class Places:
    """Makes rows of an organisation as its Admin and reads them again."""

    def __init__(self, client: httpx.AsyncClient, org: Org) -> None:
        self.client, self.org = client, org

    async def send(self, method: str, path: str, who: str = "admin", **body: object) -> httpx.Response:
        extra = {"json": body} if body else {}
        return await self.client.request(method, f"{ORG}/{path}", headers=getattr(self.org, who).bearer, **extra)

    async def make(self, kind: str, **body: object) -> str:
        if kind == "people":
            body = {"number": f"P-{next(_numbers)}", "given_name": "Ann", "family_name": "Other", **body}
        else:
            code = body.pop("code", None) or f"C-{next(_numbers)}"
            body = {"code": code, "name": f"The {code}", **body}
        answer = await self.send("POST", kind, **body)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    async def read(self, kind: str, row_id: str) -> dict[str, object]:
        answer = await self.send("GET", f"{kind}/{row_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def place(self, kind: str, row_id: str) -> tuple[object, ...]:
        row = await self.read(kind, row_id)
        return row["company_id"], row["branch_id"]

    async def newest(self, entity: str, row_id: str) -> dict[str, object]:
        url = f"/api/v1/audit/entities/{entity}/{row_id}/history"
        return (await self.client.get(url, headers=self.org.auditor.bearer)).json()["data"][0]

    async def actions(self, entity: str, row_id: str) -> list[str]:
        url = f"/api/v1/audit/entities/{entity}/{row_id}/history"
        rows = (await self.client.get(url, headers=self.org.auditor.bearer)).json()["data"]
        return [row["action"].rpartition(".")[2] for row in rows if row["outcome"] == "success"]


def place_of(answer: httpx.Response) -> str:
    """Return what field a refusal names."""
    return answer.json()["errors"][0]["location"]


class Pages:
    """Opens the pages of an organisation and sends their forms, as members with a token: such forms need no other."""

    def __init__(self, client: httpx.AsyncClient, org: Org) -> None:
        self.client, self.org = client, org

    async def open(self, path: str, who: str = "admin", status: int = 200) -> str:
        """Return what stands in the page's main part, blanks and entities made plain."""
        headers = {**getattr(self.org, who).bearer, "Accept": "text/html"}
        answer = await self.client.get(f"/console/{path}", headers=headers)
        assert answer.status_code == status, (path, answer.status_code, main_of(answer))
        return main_of(answer)

    async def send(self, path: str, who: str = "admin", **fields: object) -> httpx.Response:
        headers = {**getattr(self.org, who).bearer, "Accept": "text/html", "Origin": "http://127.0.0.1:8000"}
        return await self.client.post(f"/console/{path}", data=fields, headers=headers)

    async def fields(self, path: str) -> dict[str, str]:
        """Return what the form of a page would send as it is."""
        page = (await self.open(path)).partition('class="form"')[2].partition("</form>")[0]
        found = dict(re.findall(r'<input [^>]*name="(\w+)"[^>]*? value="([^"]*)"', page))
        found |= dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
        for name, options in re.findall(r'<select [^>]*name="(\w+)".*?>(.*?)</select>', page):
            chosen = re.search(r'<option value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
            found[name] = chosen[1] if chosen else ""
        return {name: value for name, value in found.items() if name != "csrf_token"}


def main_of(answer: httpx.Response) -> str:
    return re.sub(r"\s+", " ", html.unescape(answer.text.partition("<main")[2]).replace("\u202f", " "))
