"""A cell router: data planes that route HTTP by tenant, and the control plane that configures them."""

__version__ = "0.1.0"
