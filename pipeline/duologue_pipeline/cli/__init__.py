"""The command line; nothing outside of it imports it."""
