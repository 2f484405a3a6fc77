"""Bars of any length on any calendar: sessions, resampling, finer bars inside longer ones."""
