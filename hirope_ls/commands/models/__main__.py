"""`python -m hirope_ls.commands.models` in a clone: the README's table of models again."""

from pathlib import Path

from hirope_ls.commands.models.readme import renew

if __name__ == "__main__":
    print("README.md written" if renew(Path.cwd()) else "nothing to write")
