"""How networks learn: the loop, its speed, its interruption, and many at once."""
