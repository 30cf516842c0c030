"""Endpoints of one file."""
