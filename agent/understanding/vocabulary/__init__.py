"""The words that Sextant knows, as tables: each entry lists the phrases of one meaning, separated by semicolons."""
