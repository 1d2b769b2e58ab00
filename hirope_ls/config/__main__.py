"""`python -m hirope_ls.config`, in a clone: renews what is generated from the table of settings."""

from pathlib import Path

from hirope_ls.config.generated import renew

for name in renew(Path.cwd()):
    print(name)
