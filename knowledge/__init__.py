"""Facts with sources, and records of what was done."""
