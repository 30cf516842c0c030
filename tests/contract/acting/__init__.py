"""An app of the tests: its one verb does what a test tells it to, inside a real request."""
