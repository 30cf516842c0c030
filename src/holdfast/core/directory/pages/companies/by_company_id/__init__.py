"""Pages of a company."""
