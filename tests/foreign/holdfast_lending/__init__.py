"""A foreign app: it lends things to people, and knows Holdfast only through the kernel."""
