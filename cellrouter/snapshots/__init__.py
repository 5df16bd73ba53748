"""Where snapshots come from and where they rest: the operator's file, the history, the data plane's disk."""
