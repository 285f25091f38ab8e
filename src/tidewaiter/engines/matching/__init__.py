"""Conditions asked of rows: many rows at once, or one row at a time."""
