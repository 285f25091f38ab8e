"""Outside words in, results out."""
