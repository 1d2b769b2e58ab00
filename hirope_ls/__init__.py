"""Code completion that understands long code: an LSP server with hierarchical rotary positions."""
