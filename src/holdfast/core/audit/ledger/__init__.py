"""The pure core of the tamper-evident ledger: no database, no HTTP, nothing of Holdfast but itself."""
