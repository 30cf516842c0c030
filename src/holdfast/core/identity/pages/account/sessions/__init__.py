"""Pages of one's sessions."""
