"""Workload identities in Microsoft Entra ID, from one file."""
