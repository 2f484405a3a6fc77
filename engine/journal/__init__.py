"""What a paper run wrote down: append-only, durable, one transaction a bar."""
