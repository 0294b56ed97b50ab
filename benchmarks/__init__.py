"""Every figure that the README states, measured beside its limit in the same run."""
