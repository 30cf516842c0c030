"""Holdfast: one self-hosted, multi-tenant platform for regulated workplaces."""

__version__ = "0.1.0"
