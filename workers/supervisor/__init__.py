"""Starts, watches, restarts and scales the collectors and streamers of one machine."""
