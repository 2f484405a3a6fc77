"""Brokers that are not ours: orders go to them, fills come back."""
