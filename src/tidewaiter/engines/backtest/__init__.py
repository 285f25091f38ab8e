"""Back-tests: profiles run over past declarations, and what their results say."""
