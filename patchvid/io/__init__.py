"""Clips, flows and arrays, from files and to files."""
