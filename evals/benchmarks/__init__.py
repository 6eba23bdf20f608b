"""Measured proof: accuracy, speed, fidelity, each a command that prints its table."""
