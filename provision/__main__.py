"""`python -m provision` is the command `provision`."""

from provision.cli import main

main()
