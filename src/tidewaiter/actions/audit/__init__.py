"""What was done, checked: the chain, records against it, the draw, integrity."""
