"""Many rows, read by column: Parquet partitions named by a manifest."""
