"""Events of mail providers."""
