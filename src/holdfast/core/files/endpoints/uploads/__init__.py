"""Endpoints of uploads in pieces."""
