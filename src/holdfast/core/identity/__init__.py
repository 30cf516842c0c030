"""Identity: users, sessions, tokens, roles, and the one query that every credential resolves by."""
