"""Applications for people: each a slice or a package of slices under one `app.py`."""
