"""Pages of one file."""
