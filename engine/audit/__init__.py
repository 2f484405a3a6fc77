"""Looks for knowledge of the future in everything a run is made of."""
