"""What fills add up to: cash and equity, checks, round trips, and what the spread cost."""
