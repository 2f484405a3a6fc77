"""How good forecasts and runs were, with what could be chance."""
