"""Endpoints of the links to a file."""
