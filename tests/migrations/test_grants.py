"""What is read from the lines of SHOW GRANTS."""

import pytest

from holdfast.migrations.grants import to_revoke

pytestmark = pytest.mark.unit
TO = "TO `app`@`%`"
HASH = "IDENTIFIED BY PASSWORD '*0000000000000000000000000000000000000000'"


@pytest.mark.parametrize(
    "line",
    [
        f"GRANT USAGE ON *.* {TO} {HASH}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON `holdfast`.* {TO}",
        f"GRANT SELECT, INSERT ON `holdfast`.`audit_entry` {TO} WITH GRANT OPTION",
        f"GRANT SELECT, PROCESS ON *.* {TO}",
        f"GRANT ALL PRIVILEGES ON `other`.* {TO}",
        f"GRANT ALL PRIVILEGES ON `holdfast2`.* {TO}",
        f"GRANT ALL PRIVILEGES ON `hold`.* {TO}",
        f"GRANT ALL PRIVILEGES ON `Holdfast`.* {TO}",
        f"GRANT ALL PRIVILEGES ON `holdfas\\_`.* {TO}",
        f"GRANT ALL PRIVILEGES ON `other`.`holdfast` {TO}",
        f"GRANT ALL PRIVILEGES ON `holdfas_`.`audit_entry` {TO}",
        f"GRANT SELECT (`DROP`, `a``b), ALTER`) ON `holdfast`.`person` {TO}",
        f"GRANT EXECUTE ON PROCEDURE `holdfast`.`p` {TO}",
        "SET DEFAULT ROLE NONE FOR `app`@`%`",
    ],
)
def test_who_reads_and_writes_rows_is_sound(line):
    assert to_revoke([line], "holdfast") == []


@pytest.mark.parametrize(
    ("line", "statement"),
    [
        ("GRANT ALL PRIVILEGES ON *.*", "REVOKE ALL PRIVILEGES ON *.*"),
        ("GRANT ALL PRIVILEGES ON `holdfast`.*", "REVOKE ALL PRIVILEGES ON `holdfast`.*"),
        ("GRANT SELECT, DROP, INSERT, ALTER ON `holdfast`.*", "REVOKE ALTER, DROP ON `holdfast`.*"),
        ("GRANT TRIGGER ON `hold%`.*", "REVOKE TRIGGER ON `hold%`.*"),
        ("GRANT DROP ON `holdfas_`.*", "REVOKE DROP ON `holdfas_`.*"),
        ("GRANT DROP ON `%`.*", "REVOKE DROP ON `%`.*"),
        ("GRANT SELECT, UPDATE (`id`), ALTER ON `holdfast`.`audit_part`", "REVOKE ALTER ON `holdfast`.`audit_part`"),
        ("GRANT SUPER ON *.*", "REVOKE SUPER ON *.*"),
        ("GRANT BINLOG REPLAY, SET USER ON *.*", "REVOKE BINLOG REPLAY, SET USER ON *.*"),
        ("GRANT SYSTEM_VARIABLES_ADMIN ON *.*", "REVOKE SYSTEM_VARIABLES_ADMIN ON *.*"),
        ("GRANT SELECT, UPDATE ON *.*", "REVOKE UPDATE ON *.*"),  # also of the tables that hold the privileges
        ("GRANT INSERT ON `mysql`.*", "REVOKE INSERT ON `mysql`.*"),
        ("GRANT UPDATE ON `mysql`.`global_priv`", "REVOKE UPDATE ON `mysql`.`global_priv`"),
    ],
)
def test_more_is_found_at_every_level(line, statement):
    assert to_revoke([f"{line} {TO}"], "holdfast") == [f"{statement} FROM `app`@`%`"]


def test_names_with_marks_of_their_own_are_read():
    line = "GRANT DROP ON `a``b\\_%`.* TO `o'neil``s`@`10.0.0.%` WITH GRANT OPTION"
    assert to_revoke([line], "a`b_1") == ["REVOKE DROP ON `a``b\\_%`.* FROM `o'neil``s`@`10.0.0.%`"]
    assert to_revoke([line], "a`bx1") == []


def test_what_comes_by_a_role_counts_and_a_role_that_is_not_shown_is_refused():
    active = [
        f"GRANT `keeper` {TO}",
        f"GRANT USAGE ON *.* {TO}",
        "GRANT USAGE ON *.* TO `keeper`",
        "GRANT DROP ON `holdfast`.* TO `keeper`",
        "GRANT ALTER ON `holdfast`.* TO PUBLIC",
    ]
    assert to_revoke(active, "holdfast") == [
        "REVOKE DROP ON `holdfast`.* FROM `keeper`",
        "REVOKE ALTER ON `holdfast`.* FROM PUBLIC",
    ]
    assert to_revoke(active[:2], "holdfast") == ["REVOKE `keeper` FROM `app`@`%`"]
    of_mysql = [f"GRANT `a`@`%`,`b`@`%` {TO} WITH ADMIN OPTION"]
    assert to_revoke(of_mysql, "holdfast") == ["REVOKE `a`@`%` FROM `app`@`%`", "REVOKE `b`@`%` FROM `app`@`%`"]
