"""Customs intelligence and risk management: one thread from a first report to a result at the dock."""

__version__ = "0.1.0"
