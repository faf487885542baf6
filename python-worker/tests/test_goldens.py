"""Every output of the original code, by the product's own code, within its bound: one test per entry."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest
import torch
from golden_files import GOLDENS, check
from safetensors.torch import save_file

from murnau_worker.__main__ import main
from murnau_worker.families.kandinsky21.goldens import checked
from murnau_worker.models.xlmr_text import set_attention
from murnau_worker.verify.compare import Comparison, compare, outputs_of, relative_error
from murnau_worker.verify.golden_folder import goldens_of, read_golden_folder, read_tensors

FOLDER = GOLDENS / "kandinsky-2.1"


@functools.cache
def compared() -> dict[str, Comparison]:
    return {result.name: result for result in compare(read_golden_folder(FOLDER))}


@pytest.mark.parametrize("name", outputs_of(read_tensors(FOLDER), goldens_of(FOLDER)))
def test_output(name: str) -> None:
    result = compared()[name]
    assert result.error <= result.bound, f"off by {result.error:.3g}, allowed {result.bound:.3g}"


@torch.inference_mode()
def test_text_towers_with_fused_attention() -> None:
    golden = read_golden_folder(FOLDER)
    model = checked(golden.model)
    set_attention(model.t1.encoder, "sdpa")  # what a GPU uses
    set_attention(model.t2.encoder, "sdpa")
    check(golden, "text_encoder.full", model.t1.encode(golden["text_encoder.input_ids"], None).context_BPD)
    text = model.t2.encode(golden["clip.tokens"], golden["clip.mask"], None, "eot")
    check(golden, "clip.text_pooled", text.pooled_BE)


def test_the_command_fails_for_what_is_off_and_for_what_nobody_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for entry in FOLDER.iterdir():
        (tmp_path / entry.name).symlink_to(entry)
    tensors = read_tensors(FOLDER)
    tensors["unet.out"] = tensors["unet.out"] + 1e-3
    tensors["sample.new_latents"] = torch.ones(1)
    (tmp_path / "expected.safetensors").unlink()
    save_file(tensors, tmp_path / "expected.safetensors")
    assert main(["verify-model", str(tmp_path)]) == 1
    lines = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines()}
    assert [name for name, line in lines.items() if line[-1] != "ok"] == ["unet.out", "sample.new_latents"]
    assert lines["sample.new_latents"][1:] == ["not-compared", "0.0001", "FAIL"]


def test_a_folder_without_goldens_is_refused(tmp_path: Path) -> None:
    assert main(["verify-model", str(tmp_path)]) == 1


def test_errors_are_relative_to_the_largest_value() -> None:
    wanted = torch.tensor([1.0, -4.0])
    assert relative_error(wanted + torch.tensor([0.0, 0.4]), wanted) == pytest.approx(0.1)
    assert relative_error(torch.zeros(3), wanted) == float("inf")
