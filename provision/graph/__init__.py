"""Microsoft Graph: the only door to it, and the only user of its SDK."""
