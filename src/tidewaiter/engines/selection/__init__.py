"""Selection: the draw, routing, and the decisions about a day's declarations."""
