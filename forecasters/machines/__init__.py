"""Restricted Boltzmann machines, and networks that begin from a stack of them."""
