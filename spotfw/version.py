"""What this is, and which plugin API it speaks."""

__version__ = "0.1.0"

#: Of the hooks and contracts a plugin relies on; docs/plugins/policy.md says what may change.
API_VERSION = "1.0"
