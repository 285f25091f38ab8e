"""Declarations decided: taken in, weighed, written, asked again while in flight, traced and replayed."""
