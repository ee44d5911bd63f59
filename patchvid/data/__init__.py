"""The sample clip."""
