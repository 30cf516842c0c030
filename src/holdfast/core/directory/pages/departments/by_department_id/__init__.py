"""Pages of a department."""
