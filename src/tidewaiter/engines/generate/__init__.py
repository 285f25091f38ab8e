"""A fictional country's trade, with planted schemes and the truth about them; nothing here reads real data."""
