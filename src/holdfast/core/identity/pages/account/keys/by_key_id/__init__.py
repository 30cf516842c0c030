"""Pages of one of one's API keys."""
