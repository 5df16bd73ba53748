"""The data plane: routes requests, and gets its config from a control plane or a file."""
