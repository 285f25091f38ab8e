"""Computation over facts: values and a lake in, values out."""
