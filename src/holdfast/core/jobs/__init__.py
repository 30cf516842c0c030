"""Jobs: what runs in the background, as people see it, retry it and cancel it."""
