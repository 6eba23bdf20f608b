"""One node per file; file, function and node carry the same name."""
