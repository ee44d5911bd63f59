"""Applications: one module for each way to make a video, with its query, key and value."""
