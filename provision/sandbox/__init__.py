"""The tenant in a box: a server on loopback that imitates Microsoft Graph and the token service."""
