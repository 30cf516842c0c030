"""Addresses that are not written to."""
