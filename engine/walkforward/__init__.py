"""Fit on the past, predict a block, move on: folds, fits, workers, and what is kept of them."""
