"""The JSON schemas of the files that dnnlik writes, versioned by name."""
