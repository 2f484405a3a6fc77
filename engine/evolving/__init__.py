"""Portfolios found by evolution: names and weights, bred against the engine's own numbers."""
