"""The demonstration town, its forms, and catalogues of any size for measuring."""
