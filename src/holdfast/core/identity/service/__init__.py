"""Signing in and out, credentials, users."""
