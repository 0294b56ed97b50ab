"""The whole pipeline on this machine, as `make run` runs it."""
