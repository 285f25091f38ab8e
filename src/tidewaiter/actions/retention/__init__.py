"""How long records are kept, and how they go: rules, holds, purges, subject access."""
