"""Texts of one message."""
