"""Readers of one file format each: bytes in, rows of text with their line numbers out."""
