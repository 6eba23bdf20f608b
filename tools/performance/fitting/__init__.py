"""Fitting the performance model to measured points: `python -m tools.performance.fitting TRAIN.csv`."""
