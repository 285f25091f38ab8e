"""The fact table: day-close statistics, and every fact of every item."""
