"""Mechanism that every slice stands on; it knows no business noun."""
