"""A fictional country's trade, with planted schemes and the truth about them; nothing here reads real data."""

from tidewaiter.engines.generate.run import GenerationReport, generate

__all__ = ["GenerationReport", "generate"]
