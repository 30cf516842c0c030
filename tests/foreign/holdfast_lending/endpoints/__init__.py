"""Endpoints of the foreign app."""
