"""The conversation: graph, state, commands, sessions, understanding."""
