"""Texts of one message in one language."""
