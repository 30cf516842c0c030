"""Pages of one's own inbox."""

INBOX = "/console/inbox"
