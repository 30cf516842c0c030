"""Endpoints of telling people."""
