"""Endpoints of the trail."""
