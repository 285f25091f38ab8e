"""The REST API at /api/v1: outside words in, answers out. How to add a router: see `calling`."""
