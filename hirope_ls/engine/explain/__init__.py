"""What is known of a function, method or class that a name refers to: facts from the syntax trees alone.

`target` says what a word means, `facts` what there is to say of that, `document` writes it as Markdown. Knows no
editors and no models: what a model explains is written below the facts by whoever asks one.
"""

from hirope_ls.engine.explain.document import document
from hirope_ls.engine.explain.facts import Facts, facts_about
from hirope_ls.engine.explain.target import Target, target
from hirope_ls.engine.explain.view import Bounds, View

__all__ = ["Bounds", "Facts", "Target", "View", "document", "facts_about", "target"]
