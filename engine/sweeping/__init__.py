"""Sweeps: many settings of a config tried, judged out of sample, and the best written out."""
