"""`holdfast notices list`: what waits, what did not arrive, and why."""

import asyncio
import re
from pathlib import Path

import pytest
from command_line import refused
from sqlalchemy import select

from holdfast.core.identity import queries
from holdfast.core.identity.facts import UserUpdated
from holdfast.core.identity.public import ensure_system
from holdfast.core.identity.service.notices import notify
from holdfast.core.notify.models import Notice, NoticeState
from holdfast.core.notify.public import browse_outbox
from holdfast.core.notify.service.outbox import Settled, note_return, settle_notices, take_notices
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.settings import Settings
from holdfast.main import Installation, open_installation
from holdfast.migrations import run as migrations
from support import Org, make_org

pytestmark = pytest.mark.service
FATES = (
    (NoticeState.WAITING, 450, "4.2.1 later"),
    (NoticeState.FAILED, 550, "5.7.1 policy"),
    (NoticeState.UNCERTAIN, 0, ""),
    (NoticeState.SUPPRESSED, 0, "bounced"),
    (NoticeState.SENT, 250, "taken"),
    (NoticeState.SENT, 250, "taken"),
    (NoticeState.SENT, 250, "taken"),
)


async def prepared(home: Path) -> Org:
    """Make an organisation whose administrator was told something that became each of `FATES`, and of two more."""
    settings = Settings(holdfast_home=home, environment="test", _env_file=None)
    await migrations.upgrade(settings)
    opened = open_installation(settings)
    await ensure_system(opened.works)
    org = await make_org(opened)
    async with opened.works.begin(org.id, SYSTEM) as work:
        user = await queries.get_user(work, user_id=org.admin.id)
        for number in range(len(FATES)):
            await notify(work, user, "password_reset", link=f"https://holdfast.test/reset#token={number}")
    async with opened.works.begin(org.id, SYSTEM) as work:
        taken = await take_notices(work, limit=len(FATES))
        outcomes = zip(sorted(taken, key=lambda each: each.id), FATES, strict=True)
        await settle_notices(work, [Settled(each.id, *fate) for each, fate in outcomes])
        *_, bounced, complained = sorted(each.id for each in taken)
    async with opened.works.begin(org.id, SYSTEM) as work:
        for notice_id, state in ((bounced, NoticeState.BOUNCED), (complained, NoticeState.COMPLAINED)):
            await note_return(work, notice_id=notice_id, state=state, status="5.2.2", said=f"5.2.2 {state} it is")
        await work.tell("identity.new_sign_in", [org.viewer.id])
        await work.tell("identity.new_sign_in", [org.user.id])
        await work.flush()
        viewer = await queries.get_user(work, user_id=org.viewer.id, lock=True)
        viewer.email = None
        work.record(UserUpdated(entity=viewer))
        held = (await work.session.scalars(select(Notice).where(Notice.user_id == org.user.id))).one()
        held.state = NoticeState.HELD
    await opened.close()
    return org


def test_what_did_not_arrive_is_told_with_why(here, tmp_path: Path, capsys) -> None:
    org = asyncio.run(prepared(tmp_path / "home"))
    capsys.readouterr()

    def listed(*options: str) -> list[str]:
        done = here("notices", "list", "--organization", org.slug, *options)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
        found = re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "T", done.stdout).splitlines()
        return [line for line in found if line and not line.startswith(("Hello", "Subject:", "If ", "choose", "you "))]

    to, link = f"To: {org.admin.email}", "https://holdfast.test/reset#token={}"
    of, removed = "Message: identity.password_reset", ["Date: T", "Message: identity.password_reset"]
    waiting = [to, "Date: T", of, "State: waiting, 1 attempt, due T: 450 4.2.1 later", link.format(0)]
    nobody = [f"User: {org.viewer.id}", "Date: T", "Message: identity.new_sign_in", "State: waiting, due T"]
    assert listed() == [*waiting, *nobody, "(It reaches nobody any more.)", f"2 messages for {org.slug}"]
    assert listed("--state", "waiting", "--limit", "1") == [*waiting, f"1 message for {org.slug}"]
    one, user = f"1 message for {org.slug}", f"User: {org.admin.id}"
    told = {
        "failed": [to, "Date: T", of, "State: failed, 1 attempt: 550 5.7.1 policy", link.format(1)],
        "uncertain": [to, "Date: T", of, "State: uncertain, 1 attempt", link.format(2)],
        "suppressed": [user, *removed, "State: suppressed: bounced", "(Its text was removed.)"],
        "bounced": [user, *removed, "State: bounced: 5.2.2 bounced it is", "(Its text was removed.)"],
        "complained": [user, *removed, "State: complained: 5.2.2 complained it is", "(Its text was removed.)"],
        "held": [f"To: {org.user.email}", "Date: T", "Message: identity.new_sign_in", "State: held, due T"],
    }
    for state, lines in told.items():
        assert listed("--state", state) == [*lines, one], state
    assert listed("--state", "sending") == [f"0 messages for {org.slug}"]
    for wrong in ("lost", "merged", ""):
        said = refused(here("notices", "list", "--organization", org.slug, "--state", wrong), 2)
        assert "--state" in said
        assert "'waiting', 'held', 'sending', 'failed', 'uncertain'" in said


async def test_the_latest_of_what_is_over_comes_first(home: Installation, org: Org) -> None:
    async with home.works.begin(org.id, SYSTEM) as work:
        for number in range(3):
            await work.tell("identity.api_key_created", [org.admin.id], label=f"Key {number}")
    for state, first in ((NoticeState.WAITING, "Key 0"), (NoticeState.FAILED, "Key 2")):
        async with home.works.begin(org.id, SYSTEM) as work:
            for row in await work.session.scalars(select(Notice)):
                row.state = state
        async with home.works.begin(org.id, SYSTEM, write=False) as work:
            [found] = await browse_outbox(work, state=state, limit=1)
        assert first in found.letter.text
