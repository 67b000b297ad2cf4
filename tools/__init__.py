"""What developers run: checks, drawings, the environment, recorded examples."""
