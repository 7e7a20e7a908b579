"""Pages: what a person looks at in a browser. Rendered here, without scripts."""
