"""Pages of one's second factor."""

PAGE = "/console/account/second-factor"
