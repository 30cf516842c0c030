"""Pages of one's API keys."""

PAGE = "/console/account/keys"
