"""What channels tell by themselves: proven, gathered, kept, acknowledged after the commit."""
