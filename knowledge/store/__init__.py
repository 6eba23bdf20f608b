"""The price store: every offer of every source, the current view over them, and a history that is only appended."""
