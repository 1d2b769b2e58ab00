"""What the server has of the engine, and when: first the tokenizer, then the model, each loaded off the event loop.

The tokenizer is there a moment after `initialized`, without torch; the model thread then imports torch and loads the
model. A model that is refused leaves the server up. What is asked about a document is asked here, with the context that
was chosen for it. Belongs to the event loop; knows no LSP.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from hirope_ls.config import Settings
from hirope_ls.engine.context import Context
from hirope_ls.engine.options import Options
from hirope_ls.engine.question import Question, Recipe
from hirope_ls.engine.snapshots import Pipeline, Snapshot
from hirope_ls.engine.worker import Closed, Worker
from hirope_ls.model.folder import Card, bundled_folder, read_card
from hirope_ls.model.generator import LanguageModel
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.problems import HiropeError
from hirope_ls.server.background import Background
from hirope_ls.server.garbage import collector_at_rest

State = Literal["starting", "loading", "ready", "refused"]


@dataclass(frozen=True)
class Kit:
    """What is known of a model before torch is imported."""

    recipe: Recipe
    pipeline: Pipeline

    @classmethod
    def load(cls, folder: Path, settings: Settings) -> Kit:
        """Read card and tokenizer of a model folder. Raises ModelRefused."""
        card = read_card(folder)
        tokenizer = TextTokenizer.load(folder)
        return cls(Recipe(tokenizer, card, options_for(settings, card)), Pipeline(tokenizer, card.trained_length))

    @property
    def shows_others(self) -> bool:
        """Whether prompts may show parts of other files."""
        return self.recipe.options.context_budget(self.card.trained_length) > 0

    @property
    def card(self) -> Card:
        return self.recipe.card

    @property
    def tokenizer(self) -> TextTokenizer:
        return self.recipe.tokenizer

    def question(self, snapshot: Snapshot, offset: int, context: Context | None) -> Question:
        """What to ask the model about this place, with parts of other files shown."""
        return Question(snapshot, offset, self.recipe, context)


def options_for(settings: Settings, card: Card) -> Options:
    """The engine's options, by what the user wishes."""
    options = Options(max_new_tokens=settings.max_new_tokens, approximate_splice=settings.approximate_splice)
    budget = settings.context_tokens
    if settings.context == "off":
        budget = 0
    elif settings.context == "on" and budget is None:
        budget = options.prompt_cap(card.trained_length) // 4
    return replace(options, context_tokens=budget)


LoadModel = Callable[[Kit, Settings], LanguageModel]


def load_local(kit: Kit, settings: Settings) -> LanguageModel:
    """The model in this process. Slow: imports torch. Raises ModelRefused or SettingsError."""
    from hirope_ls.model.decode import LocalModel
    from hirope_ls.model.loader import choose_threads, load

    choose_threads()
    special, size = kit.tokenizer.special.all, kit.tokenizer.vocab_size
    loaded, budget = load(kit.card, settings.device, settings.dtype), settings.kv_budget_mib << 20
    return LocalModel(loaded, budget, special, size, pieces=kit.tokenizer.pieces)


class Backend:
    """`kit` and `worker` appear as they are loaded; `changed` is called on the loop at each step of `state`.

    `contexts`: what is shown of other files, for each document that has such a thing.
    """

    def __init__(
        self, settings: Settings, background: Background, load_model: LoadModel, changed: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._background = background
        self._load_model = load_model
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self.state: State = "starting"
        self.problem: str | None = None
        self.kit: Kit | None = None
        self.worker: Worker[LanguageModel] | None = None
        self.contexts: dict[str, Context] = {}

    async def start(self) -> None:
        """Load everything; returns when the model is ready or refused."""
        settings, folder = self._settings, self._settings.model or bundled_folder()
        try:
            kit = await self._background.run(lambda: Kit.load(folder, settings))
        except Exception as error:
            self._refuse(error)
            return
        self.kit = kit
        self.worker = Worker(lambda: self._load(kit, settings))
        self._step("loading")
        try:
            await asyncio.shield(asyncio.wrap_future(self.worker.loaded))
        except Closed:
            return
        except Exception as error:
            self._refuse(error)
        else:
            self._step("ready")

    def forget(self, uri: str) -> None:
        """Nothing is to stay of the document: neither what is shown with it, nor what was computed of either."""
        self.contexts.pop(uri, None)
        if self.worker is not None:
            self.worker.submit(("forget", uri), lambda model, stop: model.drop(uri))

    def close(self, timeout: float) -> bool:
        """End the model thread; False if it is still busy after `timeout` seconds."""
        return self.worker is None or self.worker.close(timeout)

    def _load(self, kit: Kit, settings: Settings) -> LanguageModel:
        """On the model thread."""
        with collector_at_rest():
            return self._load_model(kit, settings)

    def _refuse(self, error: Exception) -> None:
        self.problem = str(error) if isinstance(error, HiropeError) else f"{type(error).__name__}: {error}"
        self._step("refused")

    def _step(self, state: State) -> None:
        self.state = state
        self._changed()
