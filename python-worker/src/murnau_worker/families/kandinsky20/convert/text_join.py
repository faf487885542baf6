"""The joining of the texts, which the original keeps with its UNet: its keys → our TextJoin."""

from __future__ import annotations

from murnau_worker.families.kandinsky20.text_join import TextJoin
from murnau_worker.models.state_dict import Tensors, copy_layers, empty_model, load_strictly

_LAYERS = (
    ("to_model_dim", "first_context"),
    ("to_model_dim2", "second_context"),
    ("ln_model1", "context_norm"),
    ("proj", "first_pooled"),
    ("ln_model2", "first_norm"),
    ("proj2.q_linear", "second_pooled.query"),
    ("proj2.k_linear", "second_pooled.key"),
    ("proj2.v_linear", "second_pooled.value"),
    ("proj2.out", "second_pooled.out"),
    ("ln_model3", "second_norm"),
)
_PREFIXES = tuple(f"{here}." for here, _ in _LAYERS)


def belongs_to_join(name: str) -> bool:
    """Whether a tensor of the original's UNet is of the joining."""
    return name.startswith(_PREFIXES)


def convert_text_join(source: Tensors) -> TextJoin:
    context_width, first_width = source["to_model_dim.weight"].shape
    time_width, pooled_width = source["proj.weight"].shape
    with empty_model():
        model = TextJoin(
            first_width=first_width,
            pooled_width=pooled_width,
            second_width=source["to_model_dim2.weight"].shape[1],
            context_width=context_width,
            time_width=time_width,
        )
    return load_strictly(model, copy_layers(source, _LAYERS))
