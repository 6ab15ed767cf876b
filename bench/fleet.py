"""Prints a manifest of many applications: `python bench/fleet.py 1000 > fleet.yaml`."""

from __future__ import annotations

import argparse
import sys

HEAD = """\
# {count} applications for measuring: each has a principal, one permission and one secret.
version: 1
name: {name}
tenant: {tenant}
defaults:
  permissions: {{Microsoft Graph: [User.Read.All]}}
applications:
"""
ENTRY = """\
  app-{number:05}:
    displayName: Fleet {number:05}
    credentials: {{ci: {{secret: {{store: {{dotenv: {store}, prefix: APP_{number:05}_}}}}}}}}
"""


def manifest(
    count: int, *, name: str = "fleet", tenant: str = "sandbox", store: str = ".env"
) -> str:
    """A manifest of that many applications."""
    entries = (ENTRY.format(number=number, store=store) for number in range(1, count + 1))
    head = HEAD.format(count=count, name=name, tenant=tenant)
    return (head if count else head.rstrip() + " {}\n") + "".join(entries)


def main() -> int:
    """Print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int, nargs="?", default=50)
    parser.add_argument("--name", default="fleet")
    parser.add_argument("--tenant", default="sandbox")
    parser.add_argument("--store", default=".env", help="dotenv file of all secrets")
    said = parser.parse_args()
    text = manifest(said.count, name=said.name, tenant=said.tenant, store=said.store)
    sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
