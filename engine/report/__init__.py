"""Finished runs: folders that are whole or absent, pages, comparisons."""
