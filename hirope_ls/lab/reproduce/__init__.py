"""One command that measures what `RESULTS.md` shows, and writes that page: the plan, its measuring, and its words."""
