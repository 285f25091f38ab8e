"""Files into the lake: rows converted, versions settled, rejects told."""
