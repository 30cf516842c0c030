"""Pages of telling people."""
