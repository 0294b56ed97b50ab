"""Pages that people look at; they use the public API and its live stream, nothing else of ours."""
