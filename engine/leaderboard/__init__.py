"""Several forecasters on the same bars, costs and strategy, and what may be said of them."""
