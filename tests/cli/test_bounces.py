"""`holdfast bounces read`: what a mail server pipes in, files, and a Maildir."""

import asyncio
import os
from pathlib import Path

import pytest
from command_line import Run, refused

from holdfast.core.identity import queries
from holdfast.core.identity.public import ensure_system
from holdfast.core.identity.service.notices import notify
from holdfast.core.notify.models import NoticeState
from holdfast.core.notify.service.message_keys import message_key
from holdfast.core.notify.service.outbox import Settled, settle_notices, take_notices
from holdfast.kernel.permissions import SYSTEM
from holdfast.kernel.settings import Settings
from holdfast.main import open_installation
from holdfast.migrations import run as migrations
from returned_mails import bounce, complaint
from support import make_org

pytestmark = pytest.mark.service


async def prepared(home: Path, count: int) -> list[str]:
    """Make an organisation to whose administrator some messages went, and return the messages' names."""
    settings = Settings(holdfast_home=home, environment="test", _env_file=None)
    await migrations.upgrade(settings)
    opened = open_installation(settings)
    await ensure_system(opened.works)
    org = await make_org(opened)
    async with opened.works.begin(org.id, SYSTEM) as work:
        user = await queries.get_user(work, user_id=org.admin.id)
        for _ in range(count):
            await notify(work, user, "new_sign_in")
        await work.flush()
        taken = await take_notices(work, limit=count)
        await settle_notices(work, [Settled(each.id, NoticeState.SENT) for each in taken])
    await opened.close()
    return [message_key(opened.works.keys, tenant_id=org.id, notice_id=each.id) for each in taken]


def test_reports_are_read_from_wherever_they_come(run: Run, tmp_path: Path) -> None:
    first, second, third = asyncio.run(prepared(tmp_path / "home", 3))
    piped = bounce(first, status="5.2.2").decode()
    for said in ("1 mail read: 1 bounced", "1 mail read: nothing new"):
        done = run("bounces", "read", stdin=piped)
        assert (done.returncode, done.stdout.strip()) == (0, said), done.stderr
    for name in ("new", "cur", "tmp"):
        (tmp_path / "box" / name).mkdir(parents=True)
    (tmp_path / "box" / "new" / "1.a").write_bytes(bounce(second, status="5.2.2"))
    (tmp_path / "box" / "new" / "2.b").write_text("Subject: hello\n\nno report at all")
    (tmp_path / "one.eml").write_bytes(complaint(third))
    done = run("bounces", "read", "box", "one.eml")
    assert (done.returncode, done.stdout.strip()) == (0, "3 mails read: 1 bounced, 1 complained"), done.stderr
    assert sorted(each.name for each in (tmp_path / "box" / "cur").iterdir()) == ["1.a:2,", "2.b:2,"]
    assert list((tmp_path / "box" / "new").iterdir()) == []
    assert run("bounces", "read", "box").stdout.strip() == "0 mails read: nothing new"
    assert run("bounces", "read", stdin="no mail").returncode == 0, "a mail server must not send it back"

    assert "no Maildir" in refused(run("bounces", "read", "home"), 2)
    assert "absent.eml" in refused(run("bounces", "read", "absent.eml"), 1)
    nowhere = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    assert "cannot be reached" in refused(run("bounces", "read", stdin=piped, **nowhere), os.EX_TEMPFAIL)
