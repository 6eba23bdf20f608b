"""Readers of roles: each takes the quantities of its kind and says what they mean for the intent."""
