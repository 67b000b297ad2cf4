"""Channels to citizens, each translated at the edge: ours inside, theirs on the wire.

Nothing here imports the service or its stores; channels never import each other.
"""
