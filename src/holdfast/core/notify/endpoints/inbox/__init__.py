"""The caller's inbox."""
