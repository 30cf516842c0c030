"""Endpoints of one job."""
