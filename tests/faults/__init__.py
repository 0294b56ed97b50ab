"""What breaks things on purpose, and the experiments that show what survives it."""
