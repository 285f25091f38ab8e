"""What selects: profiles, indicators, lists, lookouts, the routing policy, trusted traders; and its publication."""
