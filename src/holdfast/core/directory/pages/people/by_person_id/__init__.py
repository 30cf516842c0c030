"""Pages of a person."""
