"""Mails as mail servers send them back."""

POSTFIX = """\
Return-Path: <>
From: MAILER-DAEMON@mail.test (Mail Delivery System)
To: bounces@holdfast.test
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B1"

This is a MIME-encapsulated message.

--B1
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you that your message could not be delivered.

--B1
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.test
X-Postfix-Queue-ID: 4A7B1
Arrival-Date: Sun, 22 Nov 2026 01:02:03 +0000 (UTC)

Final-Recipient: rfc822; {to}
Original-Recipient: rfc822;{to}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.example.org
Diagnostic-Code: smtp; {said}

--B1
Content-Description: Undelivered Message
Content-Type: {returned}

Received: by mail.test
From: Holdfast <no-reply@holdfast.test>
To: {to}
Subject: A new password
Message-ID: <{key}@holdfast.test>

--B1--
"""

ARF = """\
From: <abusedesk@example.com>
To: <bounces@holdfast.test>
Subject: FW: A new password
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="part1"

--part1
Content-Type: text/plain; charset="US-ASCII"

This is an email abuse report.

--part1
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeGenerator/1.0
Version: 1
Original-Rcpt-To: <{to}>

--part1
Content-Type: message/rfc822
Content-Disposition: inline

From: <no-reply@holdfast.test>
Message-ID: <{key}@holdfast.test>
To: <redacted@example.com>

spam?
--part1--
"""


def bounce(
    key: str,
    *,
    to: str = "ann@example.org",
    status: str = "5.1.1",
    action: str = "failed",
    said: str = "550 5.1.1 <ann@example.org>: Recipient address rejected",
    returned: str = "message/rfc822",
) -> bytes:
    """Return a report of a message that was not delivered, as Postfix writes it."""
    text = POSTFIX.format(key=key, to=to, status=status, action=action, said=said, returned=returned)
    return text.replace("\n", "\r\n").encode()


def complaint(key: str, *, to: str = "ann@example.org", kind: str = "abuse") -> bytes:
    """Return a complaint about a message, as a mailbox provider writes it (RFC 5965, appendix B.2)."""
    return ARF.format(key=key, to=to, kind=kind).replace("\n", "\r\n").encode()
