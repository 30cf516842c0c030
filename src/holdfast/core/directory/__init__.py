"""The directory: the organisation, its companies and branches, and its people."""
