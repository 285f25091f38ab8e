"""The lake: loading, copying from the records, back-tests and decisions about files."""
