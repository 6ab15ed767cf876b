"""Sign-in: the operator who runs the tool, and the workloads it provisions."""
