"""Applications: what query, key and value are, for each way to make a video."""
