"""Joins text, syntax and model: versioned views of files, prompts, completions. Knows no protocol."""
