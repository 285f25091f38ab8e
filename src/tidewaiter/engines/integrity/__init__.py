"""Integrity: what in the work of officers and declarants is hard to explain by chance; for the inspectorate only."""
