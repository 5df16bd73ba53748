"""The control plane: takes the operator's config, numbers it, and sends it to every data plane."""
