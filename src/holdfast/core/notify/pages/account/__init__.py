"""Pages of one's own account that this slice adds."""
