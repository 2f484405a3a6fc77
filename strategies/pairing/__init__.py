"""Finding pairs, their hedge and spread, and what a spread says: pure functions of arrays."""
