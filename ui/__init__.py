"""What people and programs meet: settings, command line, terminal chat, rendering."""
