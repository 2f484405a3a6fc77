"""A strategy at work, bar by bar, and how it goes on after it was killed."""
