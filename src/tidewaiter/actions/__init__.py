"""What a person or a schedule does, one function each."""
