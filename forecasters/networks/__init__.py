"""Networks, one screen each, a shape on every line: torch alone, no data handling."""
