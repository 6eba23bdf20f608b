"""Reads AI bills in the formats that providers export, accounts for every line and finds savings.

`analysis.analyse` streams a file through: source (bytes) → table (cells) → reader (what a line is about) → matching
(price of the catalog) → ledger (sums that must reconcile) → findings. Pure but for reading the stream it is given.
"""
