"""Several forecasters or selectors on the same bars and costs, and what may be said of them."""
