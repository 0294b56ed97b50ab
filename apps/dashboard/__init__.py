"""Pages that people look at; they use the public API and its live stream, and nothing else of ours."""
