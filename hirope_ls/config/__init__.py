"""The settings a user may give: one documented table, the places they come from, and all that is generated from it.

Nothing here is ever fatal: what is unknown or wrong is named once, and the default, or the last good value, is used.
Knows no LSP; lower layers never see `Settings`, they get plain arguments.
"""

from hirope_ls.config.generated import README_BEGIN, README_END, settings_table, with_table
from hirope_ls.config.sources import Sources, problem_message, read_settings
from hirope_ls.config.table import SETTINGS, Setting, Settings

__all__ = [
    "README_BEGIN",
    "README_END",
    "SETTINGS",
    "Setting",
    "Settings",
    "Sources",
    "problem_message",
    "read_settings",
    "settings_table",
    "with_table",
]
