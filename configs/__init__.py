"""Presets: configs that ship with tradewind."""
