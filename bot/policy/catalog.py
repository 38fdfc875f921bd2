"""Which image models are on offer, and what people read for each: the operator's list, read from MODELS.

The ids are the image API's own. A model that is no longer listed is still named by the jobs, rules, presets and drafts
that were made with it; whoever meets one there passes it over or says which models there are.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from bot.model import QUALITY, STANDARD, Model

MAX_MODELS = 10
MAX_LABEL_CHARS = 100  # Discord's limit for the name of a choice
MAX_ID_CHARS = 96  # Discord takes 100 for a choice's value, and one menu has the resolution beside the model
ECHO_CHARS = 60  # so much of a wrong entry is repeated to the operator

#: The video model of the same API, easily taken for an image model.
VIDEO_MODEL = Model("grok-imagine")
#: What menus and commands have for "all models" or "none in particular".
_OTHER_CHOICES = frozenset({"all", "any", "unset"})
_UNSHOWN = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control signs and the like, by Unicode's categories


class EntryFaults(ValueError):
    """A list with wrong entries. `reasons` says of each of them what is wrong, as the end of a sentence."""

    def __init__(self, reasons: Iterable[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("; ".join(self.reasons))


@dataclass(frozen=True, slots=True)
class ModelOffer:
    """One model on offer. Without a label of its own it is called by its id."""

    model: Model
    label: str


@dataclass(frozen=True)
class ModelCatalog:
    """The models on offer, at least one, in the operator's order: the first holds where nobody chooses."""

    offers: tuple[ModelOffer, ...]

    @cached_property
    def models(self) -> tuple[Model, ...]:
        """The ids, in order."""
        return tuple(offer.model for offer in self.offers)

    @property
    def default(self) -> Model:
        """The model of a request that names none."""
        return self.models[0]

    @cached_property
    def labels(self) -> Mapping[Model, str]:
        """What each model is called, by its id."""
        return {offer.model: offer.label for offer in self.offers}

    def __str__(self) -> str:
        """As it is written in MODELS."""
        return ",".join(f"{offer.model}={offer.label}" for offer in self.offers)


DEFAULT_CATALOG = ModelCatalog((ModelOffer(STANDARD, "Standard"), ModelOffer(QUALITY, "Quality")))


def read_model(value: object) -> Model:
    """A model as a choice, a form or the database names it, on offer or not. Raises TypeError for what is no text."""
    if not isinstance(value, str):
        raise TypeError(value)
    return Model(value)


def parse_models(text: str) -> ModelCatalog:
    """Read `id=Label,id=Label,…`, where `id` alone is its own label. Raises EntryFaults with all that is wrong."""
    entries = [entry for part in text.split(",") if (entry := part.strip())]
    offers: list[ModelOffer] = []
    reasons: list[str] = []
    for entry in entries:
        name, equals, label = (part.strip() for part in entry.partition("="))
        offer = ModelOffer(Model(name), " ".join(label.split()) if equals else name)
        offers.append(offer)
        reasons += [f'has "{entry[:ECHO_CHARS]}", {fault}' for fault in _faults(offer)]
    if not offers:
        reasons.append("names no model")
    if len(offers) > MAX_MODELS:
        reasons.append(f"names {len(offers)} models, and at most {MAX_MODELS} can be offered")
    reasons += [f'names the model "{name[:ECHO_CHARS]}" twice' for name in _doubles(it.model for it in offers)]
    # Two choices that differ in capitals alone would be taken for one.
    labels = _doubles({it.model: it.label.casefold() for it in offers}.values())
    reasons += [f'has two models with the label "{label[:ECHO_CHARS]}"' for label in labels]
    if reasons:
        raise EntryFaults(reasons)
    return ModelCatalog(tuple(offers))


def _faults(offer: ModelOffer) -> Iterator[str]:
    name, label = offer.model, offer.label
    if not name:
        yield "which has no model before the ="
    elif not name.isprintable() or " " in name:
        yield "whose model holds a space or another sign that no name of a model has"
    elif len(name) > MAX_ID_CHARS:
        yield f"whose model is longer than {MAX_ID_CHARS} characters"
    elif name in _OTHER_CHOICES:
        yield "whose model is a word that Easel's menus use themselves"
    elif name == VIDEO_MODEL:
        yield "whose model makes videos and no pictures"
    if not label and name:
        yield "which has no label after the ="
    elif len(label) > MAX_LABEL_CHARS:
        yield f"whose label is longer than {MAX_LABEL_CHARS} characters"
    elif any(unicodedata.category(sign) in _UNSHOWN for sign in label):
        yield "whose label holds a sign that cannot be shown"
    elif label.casefold() == "all" and name not in _OTHER_CHOICES:
        yield "whose label is what /settings calls all models together"


def _doubles(values: Iterable[str]) -> Sequence[str]:
    return [value for value, times in Counter(values).items() if times > 1 and value]
