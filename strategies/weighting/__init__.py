"""Portfolio weights from estimates: pure functions, no data handling."""
