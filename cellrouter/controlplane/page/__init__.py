"""The status page: what the control plane knows, for people, rendered here and kept live."""
