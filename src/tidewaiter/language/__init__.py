"""Texts of the trade read into values and written back: conditions, profiles, lists, catalogue, mappings."""
