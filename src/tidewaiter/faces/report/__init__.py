"""The printed report: one self-contained HTML file, without script and without anything fetched."""

from tidewaiter.faces.report.page import render_report

__all__ = ["render_report"]
