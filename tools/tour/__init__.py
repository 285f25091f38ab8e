"""A tour of the service, as officers, a clearance system and an auditor meet it: `python -m tools.tour`.

Everything is done as in life: commands as processes, calls over HTTP. Nothing is left out and nothing is faked, but for
one clock: a day's key is opened when the day is over, so what is done *the next morning* runs by a clock a day ahead.
"""
