"""Django's SQLite backend, with writers in turn."""
