"""What is known of a function, method or class that a name refers to, and what a model makes of it.

Facts are from the syntax trees alone: `target` says what a word means, `sight` where that is, `facts` what there is to
say of it, `document` writes them as Markdown. Below them stands what a model wrote: `subject` is what it is shown,
`asking` its prompt, `writing` what comes of that, `prose` how it is put, `known` what was written before. Knows no
editors.
"""

from hirope_ls.engine.explain.document import document
from hirope_ls.engine.explain.facts import Facts, facts_about
from hirope_ls.engine.explain.known import Known
from hirope_ls.engine.explain.prose import explanation
from hirope_ls.engine.explain.sight import Sight, sight
from hirope_ls.engine.explain.subject import Subject, subject_of
from hirope_ls.engine.explain.target import Target, target
from hirope_ls.engine.explain.view import Bounds, View
from hirope_ls.engine.explain.writing import Explanation, Writing

__all__ = [
    "Bounds",
    "Explanation",
    "Facts",
    "Known",
    "Sight",
    "Subject",
    "Target",
    "View",
    "Writing",
    "document",
    "explanation",
    "facts_about",
    "sight",
    "subject_of",
    "target",
]
