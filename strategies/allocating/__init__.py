"""What the strategy ``allocation`` is made of: which names, which weights, and how to get there."""
