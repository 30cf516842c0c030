"""The organisation, its companies, its people."""
