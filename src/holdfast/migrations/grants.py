"""What MySQL and MariaDB say of an account with SHOW GRANTS: whether it does more than read and write rows."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_NAME = "`(?:[^`]|``)*`"
_ACCOUNT = f"{_NAME}(?:@{_NAME})?"
_RIGHTS = re.compile(
    rf"GRANT (?P<rights>(?:{_NAME}|[^`])+?) ON (?P<database>\*|{_NAME})\.(?P<table>\*|{_NAME}) "
    rf"TO (?P<account>{_ACCOUNT}|PUBLIC)"
)
_ROLES = re.compile(rf"GRANT (?P<roles>{_ACCOUNT}(?:, ?{_ACCOUNT})*) TO (?P<account>{_ACCOUNT})")
_COLUMNS = re.compile(rf"\((?:{_NAME}|[^`)])*\)")

_READS = frozenset({"USAGE", "SELECT", "EXECUTE", "LOCK TABLES", "PROCESS", "SHOW DATABASES", "SHOW VIEW"})
_ROWS = _READS | {"INSERT", "UPDATE", "DELETE"}
_PRIVILEGES = "mysql"  # the database in which the server keeps who may do what


@dataclass(frozen=True, slots=True)
class _Grant:
    """One line: rights, on what, and to whom, the latter two as the server spells them."""

    rights: frozenset[str]
    database: str
    table: str
    account: str

    def covers(self, database: str) -> bool:
        """Tell whether the rights hold in a database; its name is a pattern where no table is named."""
        if self.database == "*":
            return True
        name = _plain(self.database)
        return _like(name, database) if self.table == "*" else name == database

    def excess(self, database: str) -> frozenset[str]:
        """Return the rights that whoever serves requests from a database must not have."""
        if self.covers(_PRIVILEGES):
            return self.rights - _READS
        return self.rights - _ROWS if self.covers(database) else frozenset()


def to_revoke(lines: Sequence[str], database: str) -> list[str]:
    """Return the statements after which an account can only read and write rows of a database; empty: so it is.

    `lines` are the answer to SHOW GRANTS. It tells nothing of a role that is not in force, which the account can
    change by itself: so that has to go as well.
    """
    found = list(_grants(lines))
    statements = [
        f"REVOKE {', '.join(sorted(excess))} ON {each.database}.{each.table} FROM {each.account}"
        for each in found
        if (excess := each.excess(database))
    ]
    shown = {each.account for each in found}
    for line in lines:
        if match := _ROLES.match(line):
            roles = re.findall(_ACCOUNT, match["roles"])
            statements += [f"REVOKE {role} FROM {match['account']}" for role in roles if role not in shown]
    return statements


def _grants(lines: Sequence[str]) -> Iterator[_Grant]:
    for line in lines:
        if match := _RIGHTS.match(line):
            rights = (right.strip() for right in _COLUMNS.sub("", match["rights"]).split(","))
            yield _Grant(frozenset(rights), match["database"], match["table"], match["account"])


def _plain(quoted: str) -> str:
    return quoted[1:-1].replace("``", "`")


def _like(pattern: str, name: str) -> bool:
    r"""Tell whether a name fits a pattern: `%` any characters, `_` one, `\` takes the next as it is."""
    marks = {"%": ".*", "_": "."}
    parts = (marks.get(each) or re.escape(each[-1]) for each in re.findall(r"\\.|.", pattern))
    return re.fullmatch("".join(parts), name) is not None
