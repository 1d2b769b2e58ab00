"""What the server has of the engine, and when: first the tokenizer, then the model, each loaded off the event loop.

The tokenizer is there a moment after `initialized`, without torch; the model thread then imports torch and loads the
model. A model that is refused leaves the server up, or the former model where there was one. Its memory can be given
back, until somebody needs it again. What is asked about a document is asked here, with the context that was chosen for
it. Belongs to the event loop; knows no LSP.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

from hirope_ls.config import Settings
from hirope_ls.engine.context import Context
from hirope_ls.engine.options import Options
from hirope_ls.engine.question import Question, Recipe
from hirope_ls.engine.snapshots import Pipeline, Snapshot
from hirope_ls.engine.worker import Closed, Worker
from hirope_ls.model.folder import Card, bundled_folder, read_card
from hirope_ls.model.generator import LanguageModel
from hirope_ls.model.hub import resolve
from hirope_ls.model.release import release_memory
from hirope_ls.model.tokens import TextTokenizer
from hirope_ls.problems import HiropeError
from hirope_ls.server.background import Background
from hirope_ls.server.garbage import collector_at_rest
from hirope_ls.server.wishes import Wishes

State = Literal["starting", "loading", "ready", "refused", "unloaded"]
"""unloaded: nobody needs the model now; it is loaded when somebody does."""

LOADED_BY: Final = ("model", "device", "dtype", "threads", "kv_budget_mib")
"""Settings by which a model is loaded: if one changes, it is loaded again."""
_FINISH_S: Final = 10.0  # what runs may take to its end before the model goes


@dataclass(frozen=True)
class Kit:
    """What is known of a model before torch is imported."""

    recipe: Recipe
    pipeline: Pipeline

    @classmethod
    def load(cls, settings: Settings) -> Kit:
        """Read card and tokenizer of the model's folder. Raises ModelRefused."""
        folder = bundled_folder() if settings.model is None else resolve(settings.model)
        card = read_card(folder)
        tokenizer = TextTokenizer.load(folder)
        return cls(Recipe(tokenizer, card, options_for(settings, card)), Pipeline(tokenizer, card.trained_length))

    def with_options(self, settings: Settings) -> Kit:
        """The same model, asked by other wishes."""
        return replace(self, recipe=replace(self.recipe, options=options_for(settings, self.card)))

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
    options = Options(
        max_new_tokens=settings.max_new_tokens,
        max_lines=settings.max_lines,
        max_prompt_tokens=settings.prompt_tokens,
        approximate_splice=settings.approximate_splice,
    )
    budget = settings.context_tokens
    if settings.context == "off" or settings.workspace_index == "off":
        budget = 0
    elif settings.context == "on" and budget is None:
        budget = options.prompt_cap(card.trained_length) // 4
    return replace(options, context_tokens=budget)


LoadModel = Callable[[Kit, Settings], LanguageModel]


def load_local(kit: Kit, settings: Settings) -> LanguageModel:
    """The model in this process. Slow: imports torch. Raises ModelRefused or SettingsError."""
    from hirope_ls.model.decode import LocalModel
    from hirope_ls.model.loader import choose_threads, load

    choose_threads(settings.threads)
    special, size = kit.tokenizer.special.all, kit.tokenizer.vocab_size
    loaded, budget = load(kit.card, settings.device, settings.dtype), settings.kv_budget_mib << 20
    return LocalModel(loaded, budget, special, size, pieces=kit.tokenizer.pieces)


class Backend:
    """`kit` and `worker` appear as they are loaded; `changed` is called on the loop at each step of `state`.

    `contexts`: what is shown of other files, for each document that has such a thing. `problem`: why there is no model,
    or not the one that is wished for. `active`: when it was needed last, of time.monotonic().
    """

    def __init__(
        self, wishes: Wishes, background: Background, load_model: LoadModel, changed: Callable[[], None]
    ) -> None:
        self._wishes = wishes
        self._background = background
        self._load_model = load_model
        self._changed = changed
        self._reloading: Background | None = None  # a thread to wait on, for the end of another
        self._work: asyncio.Task[None] | None = None
        self._outdated = False
        self._loaded: Settings | None = None  # by which the model that is there was loaded
        self._closed = False
        self._kv_bytes: int | None = None
        self.state: State = "starting"
        self.problem: str | None = None
        self.kit: Kit | None = None
        self.worker: Worker[LanguageModel] | None = None
        self.answers: tuple[object, ...] = ()  # what answers depend on: those of another model, or number, do not count
        self.contexts: dict[str, Context] = {}
        self.active = time.monotonic()

    async def start(self) -> None:
        """Load everything; returns when the model is ready or refused. Nothing is loaded for who wants nothing."""
        if self._wishes.now.enable:
            await self._begin()
        else:
            self._step("unloaded")

    def used(self) -> None:
        """Somebody needs the model, now or soon."""
        self.active = time.monotonic()
        if self.state == "unloaded" and self._wishes.now.enable:
            self._begin()

    def reload(self) -> None:
        """The model is to be loaded by other settings; until it is there, nothing is answered and nothing forgotten."""
        if self._work is not None and self.state != "unloaded":
            self._begin()

    def unload(self) -> bool:
        """Give the model's memory back, unless something runs or waits. It is loaded again by `used`."""
        if self.state != "ready" or self.worker is None or self.worker.busy:
            return False
        worker, self.worker = self.worker, None
        self._step("unloaded")
        self._end(worker)
        return True

    @property
    def indexes(self) -> bool:
        """Whether the files of the workspace are to be read."""
        wish = self._wishes.now.workspace_index
        return wish == "on" or (wish == "auto" and self.kit is not None and self.kit.shows_others)

    @property
    def may_index(self) -> bool:
        """Whether they may be read where somebody asks after what they define."""
        wishes = self._wishes.now
        return wishes.workspace_index == "on" or (wishes.workspace_index == "auto" and wishes.context != "off")

    @property
    def device(self) -> str | None:
        """Where the model runs, if there is one."""
        found = getattr(self._model, "device", None)
        return None if found is None else str(found)

    @property
    def kv_bytes(self) -> int | None:
        """What all caches hold, as of a moment ago."""
        with contextlib.suppress(RuntimeError):  # a session comes or goes on the model's thread right now
            self._kv_bytes = getattr(self._model, "used_bytes", None)
        return self._kv_bytes

    @property
    def _model(self) -> LanguageModel | None:
        return self.worker.loaded.result() if self.state == "ready" and self.worker is not None else None

    def renew_options(self) -> None:
        """Ask the model by the wishes of now."""
        if self.kit is not None:
            self.kit = self.kit.with_options(self._wishes.now)

    def forget(self, uri: str) -> None:
        """Nothing is to stay of the document: neither what is shown with it, nor what was computed of either."""
        self.contexts.pop(uri, None)
        if self.worker is not None:
            self.worker.submit(("forget", uri), lambda model, stop: model.drop(uri))

    @property
    def closed(self) -> bool:
        """Whether the session is over."""
        return self._closed

    def close(self, timeout: float) -> bool:
        """End the model thread; False if it is still busy after `timeout` seconds."""
        self._closed = True
        if self._reloading is not None:
            self._reloading.close()
        return self.worker is None or self.worker.close(timeout)

    def _begin(self) -> asyncio.Task[None]:
        self._outdated = True
        if self._work is None or self._work.done():
            self._work = asyncio.ensure_future(self._loading())
        return self._work

    async def _loading(self) -> None:
        """Until what is loaded is what is wished for, or cannot be had."""
        while self._outdated and not self._closed:
            self._outdated = False
            await self._load(self._wishes.now)

    async def _load(self, settings: Settings) -> None:
        former = self._loaded
        if self.state == "ready" and former is not None and not former.differs(settings, LOADED_BY):
            return
        try:
            kit = await self._kit(settings)
        except Exception as error:
            self._refuse(error)
            return
        try:
            await self._replace(kit, settings)
        except Closed:
            return
        except Exception as error:
            if former is None or not former.differs(settings, LOADED_BY):
                self._refuse(error)
            else:
                self.problem = _line(error)
                await self._back_to(former)

    async def _kit(self, settings: Settings) -> Kit:
        known = self._loaded
        if self.kit is not None and known is not None and known.model == settings.model:
            return self.kit.with_options(settings)
        return await self._background.run(lambda: Kit.load(settings))

    async def _replace(self, kit: Kit, settings: Settings) -> None:
        """The model of this kit, in place of whatever there was: two of them might not fit into memory. What was asked
        gets its answer first. Raises what the loading raises."""
        self.state = "loading"  # from now on nobody asks the former one
        if (worker := self.worker) is not None:
            end = time.monotonic() + _FINISH_S
            while worker.queue[0] and time.monotonic() < end:
                await asyncio.sleep(0.02)
            self.worker = None
            await self._end(worker)
        if self._closed:
            raise Closed
        if self.kit is not None and kit.pipeline is not self.kit.pipeline:
            self.contexts.clear()
        self.kit, self._loaded = kit, None
        self.answers = kit.pipeline, settings.device, settings.dtype

        def load() -> LanguageModel:
            """On the model thread."""
            with collector_at_rest():
                return self._load_model(kit, settings)

        self.worker = Worker(load)
        self._step("loading")
        await asyncio.shield(asyncio.wrap_future(self.worker.loaded))
        self._loaded, self.problem = settings, None
        self.renew_options()
        self._step("ready")

    async def _back_to(self, former: Settings) -> None:
        """What was wished for cannot be had: as it was before."""
        why = self.problem
        try:
            await self._replace(await self._kit(former), former)
        except Closed:
            return
        except Exception as error:
            self._refuse(error)
        else:
            self.problem = why
            self._changed()

    def _end(self, worker: Worker[LanguageModel]) -> asyncio.Future[None]:
        """End its thread, off the event loop, and give its memory back."""
        worker.close(0.0)
        if self._reloading is None:
            self._reloading = Background("hirope-reload")

        def wait() -> None:
            worker.close(60.0)
            release_memory()

        return self._reloading.run(wait)

    def _refuse(self, error: Exception) -> None:
        """Of a model that goes on serving only the new wish is refused."""
        self.problem = _line(error)
        self._step(self.state if self.state == "ready" else "refused")

    def _step(self, state: State) -> None:
        self.state = state
        self._changed()


def _line(error: Exception) -> str:
    return str(error) if isinstance(error, HiropeError) else f"{type(error).__name__}: {error}"
