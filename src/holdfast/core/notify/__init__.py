"""Telling people: mail, and the inbox."""
