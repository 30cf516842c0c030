"""Writing and reading the trail."""
