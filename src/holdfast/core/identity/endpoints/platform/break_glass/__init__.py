"""Endpoints of identity."""
