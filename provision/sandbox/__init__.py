"""The tenant in a box: a server on loopback that imitates Microsoft Graph, the token service and Key Vault's secrets."""
