"""Tables as page, Markdown, LaTeX and CSV."""
