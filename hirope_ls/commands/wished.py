"""What the user's settings file says, for commands: theirs are the same model and limits as the server's."""

from __future__ import annotations

import sys
from functools import lru_cache

from hirope_ls.config import Settings, Sources, problem_message
from hirope_ls.config.userfile import UserFile, user_file


@lru_cache(maxsize=1)
def wished() -> Settings:
    """The settings; what is wrong in the file is said on stderr, once, and not honoured."""
    file, sources = UserFile(user_file()), Sources()
    given = file.news()
    if given is not None:
        wrong = tuple(f"{each} (in {file.path})" for each in sources.take("file", given.values))
        if problems := wrong if given.problem is None else (given.problem,):
            print(f"hirope-ls: {problem_message(problems)}", file=sys.stderr)
    return sources.settings()
