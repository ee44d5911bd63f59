"""The method: search, vote, one layer of both, and the loop from coarse to fine."""
