"""Endpoints of the directory."""
