"""Uploaded files into the queue: streamers take them one by one and replace each other."""
