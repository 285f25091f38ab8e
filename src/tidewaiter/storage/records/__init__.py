"""Records: one row at a time, changed by people and by the service. One Django app owns all tables."""
