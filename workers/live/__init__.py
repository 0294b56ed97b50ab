"""Live sources: what is sampled again and again instead of being read from start to end."""
