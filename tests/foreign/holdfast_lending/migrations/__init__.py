"""The foreign app's own chain."""
