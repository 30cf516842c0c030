"""Endpoints of one version of a file."""
