"""One import of people."""
