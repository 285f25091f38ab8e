"""What comes of a selection: acts, officers, results, evidence, referrals, overrides, what was cut."""
