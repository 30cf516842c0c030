"""Endpoints of the acting app."""
