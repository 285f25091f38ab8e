"""Migrations of the records, oldest first; a released one is never edited."""
