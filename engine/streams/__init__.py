"""What arrives while the market is open: feeds, their states, and bars made of ticks."""
