"""Slices that every application may use, entered through their `public` module."""
