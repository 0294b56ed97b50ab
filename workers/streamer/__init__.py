"""The streamer: sources in, messages out."""
