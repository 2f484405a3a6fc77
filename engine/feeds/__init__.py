"""Where history comes from: one ``data:`` block in, one checked :class:`Panel` out."""
