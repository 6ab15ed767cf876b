"""What people and programs read of a run: the only user of rich."""
