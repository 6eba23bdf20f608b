"""The price catalog: rank like with like, search, compare dates and sources, check and export what the store holds."""
