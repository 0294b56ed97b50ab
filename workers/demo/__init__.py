"""A simulated GPU fleet: what the demo streams and what large test files are made of."""
