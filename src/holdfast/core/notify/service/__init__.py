"""Sending what waits."""
