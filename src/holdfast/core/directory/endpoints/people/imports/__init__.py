"""Imports of people."""
