"""Sentences with the fields that they say, and the comparison of what was understood with what was said."""
