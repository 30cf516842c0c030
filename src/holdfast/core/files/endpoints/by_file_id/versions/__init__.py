"""Endpoints of a file's versions."""
