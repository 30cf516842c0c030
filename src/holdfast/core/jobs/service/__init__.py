"""What people do with jobs, and what the engine has written down."""
