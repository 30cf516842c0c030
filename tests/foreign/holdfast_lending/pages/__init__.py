"""Pages of the foreign app."""
