"""A second family: one folder of code and one registration, and everything around it works as for the first."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import torch
from draw_client import run
from fake_family.description import PEBBLE, PebbleOptions, PebbleParameters
from fake_family.source import write_pebble
from PIL import Image
from run_tools import picture, step_together, tiny_run
from worker_client import PICTURES, Stream, detail_of, running_worker, start_message, train

from murnau_worker.core.spec import ConceptSpec, ObjectiveSpec, OptimizerSpec, TrainingSpec
from murnau_worker.engine.served_models import ServedModels
from murnau_worker.families.embeddings import read_embedding
from murnau_worker.families.family import FamilyModel
from murnau_worker.families.kandinsky21.description import KANDINSKY21
from murnau_worker.families.registry import REGISTRATIONS, Registration
from murnau_worker.families.table import family_table
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.rpc.read_spec import read_spec


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    REGISTRATIONS.append(Registration(PEBBLE, "fake_family.family"))
    yield
    REGISTRATIONS.pop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pebble")
    write_pebble(path)
    return path


@pytest.fixture
def model(folder: Path) -> FamilyModel:
    return ServedModels({"pebble": folder}).load("pebble")


def pebble_spec(**changes: Any) -> TrainingSpec:
    return TrainingSpec(
        model="pebble",
        concept=ConceptSpec(placeholder_token="lumistone", initializer_token="stone"),
        objective=ObjectiveSpec(name="colour", parameters=PebbleParameters(**changes)),
        optimizer=OptimizerSpec(learning_rates={"words": 0.3}, schedule_steps=40, batch_size=3),
        max_steps=40,
    )


def spec_message(**parameters: Any) -> pb.TrainingSpec:
    message = pb.TrainingSpec(
        model="pebble",
        concept=pb.Concept(placeholder_token="lumistone", initializer_token="stone"),
        objective=pb.Objective(name="colour"),
        optimizer=pb.Optimizer(learning_rates={"words": 0.3}, schedule_steps=40, batch_size=3),
        samples=pb.SampleSpec(prompts=["photo {placeholder}"], final_count=1, final_seed=8, seed=7),
        max_steps=40,
        checkpoint_every_steps=20,
    )
    message.objective.parameters.update(parameters)
    return message


def start(spec: pb.TrainingSpec) -> pb.TrainStart:
    message = start_message(until_step=40)
    message.spec.CopyFrom(spec)
    return message


def mean_colour(pixels_HW3: np.ndarray) -> np.ndarray:
    return pixels_HW3.reshape(-1, 3).mean(0)


def test_its_folder_is_recognised_and_a_kandinskys_still_is(model: FamilyModel, tiny_folder: Path) -> None:
    assert model.description is PEBBLE
    assert model.tasks == ("train", "text2img")
    assert ServedModels({"tiny": tiny_folder}).load("tiny").description is KANDINSKY21


def test_runs_learn_together_in_the_engines_packer(model: FamilyModel) -> None:
    runs = [tiny_run(model, pebble_spec(hardness=hardness)) for hardness in (1.0, 2.0)]
    first, *_, last = [step_together(*runs) for _ in range(40)]
    assert runs[0].state.step == 40
    for before, after in zip(first, last, strict=True):
        assert after["train_loss"] < 0.9 * before["train_loss"]
        assert {"norm_words", "distance_words", "grad_norm_words", "learning_rate_words"} <= set(after)
    assert last[1]["train_loss"] > last[0]["train_loss"], "its own parameter is a factor of the loss"
    resumed = tiny_run(model, pebble_spec(), runs[0].state_bytes())
    assert torch.equal(resumed.state.rows["words"], runs[0].state.rows["words"])


def test_it_is_described_trained_exported_and_drawn_over_grpc(folder: Path) -> None:
    async def work() -> tuple[Any, Stream, Any, list[Any]]:
        async with running_worker(folder, name="pebble") as worker:
            await worker.put()
            stream = await train(worker, start(spec_message(hardness=2)))
            file = stream.checkpoints[40].embedding
            converted = await worker.stub.ConvertEmbedding(
                pb.ConvertEmbeddingRequest(file=file, to_format="safetensors", model="pebble")
            )
            drawn: list[Any] = []
            for tint in (0.0, 0.5):
                options = pb.DrawOptions(
                    model="pebble", count=1, seed=3, embeddings=[pb.EmbeddingRef(file=converted.file)]
                )
                options.family_options.update({"tint": tint})
                request = pb.TextToImageRequest(options=options, prompt="a photo of a lumistone")
                events = [response.event async for response in worker.stub.TextToImage(request)]
                drawn += [event.image for event in events if event.WhichOneof("event") == "image"]
            return await worker.stub.Describe(pb.DescribeRequest()), stream, converted, drawn

    described, stream, converted, (plain, tinted) = run(work())
    (served,) = described.models
    assert (served.family, list(served.tasks)) == ("pebble", ["train", "text2img"])
    assert [(tower.name, tower.width) for tower in served.towers] == [("words", 8)]
    assert dict(served.drawing_defaults) == {"num_steps": 4, "guidance_scale": 1, "tint": 0}
    kinds = [sample.kind for sample in stream.of("sample")]
    assert kinds == [pb.SAMPLE_KIND_FINAL, pb.SAMPLE_KIND_BASELINE], "it does not fuse"
    assert converted.pooling == ""
    assert set(read_embedding(converted.file).rows) == {"words"}
    wanted = mean_colour(np.stack([np.asarray(Image.open(io.BytesIO(one.content))) for one in PICTURES]))
    colours = [mean_colour(np.asarray(Image.open(io.BytesIO(image.png)))) for image in (plain, tinted)]
    assert np.abs(colours[0] - wanted).max() < 25, "the picture has the colour that the word has learnt"
    assert (colours[1] - colours[0]).min() > 30


@pytest.mark.parametrize(
    ("spec", "field", "allowed"),
    [
        (spec_message(prior_share=0.5), "spec.prior_share", "hardness, repeats"),
        (spec_message(hardness=0), "spec.hardness", ""),
        (spec_message(hardness=float("nan")), "spec.hardness", ""),
        (spec_message(repeats=1.5), "spec.repeats", "1 to 4"),
        (spec_message(repeats="two"), "spec.repeats", "1 to 4"),
    ],
)
def test_it_takes_its_own_parameters_only(folder: Path, spec: pb.TrainingSpec, field: str, allowed: str) -> None:
    detail = refused(folder, spec)
    assert (detail.code, detail.field) == ("spec.invalid", field)
    assert allowed in detail.allowed


def refused(folder: Path, spec: pb.TrainingSpec) -> pb.ErrorDetail:
    async def work() -> pb.ErrorDetail:
        async with running_worker(folder, name="pebble") as worker:
            await worker.put()
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await train(worker, start(spec))
            return detail_of(error.value)

    return run(work())


def test_it_takes_its_own_towers_and_objectives_only(folder: Path) -> None:
    other_rate, other_objective, other_word = (spec_message() for _ in range(3))
    other_rate.optimizer.learning_rates["t1"] = 0.1
    other_objective.objective.name = "joint"
    other_word.concept.initializers["t2"] = "stone"
    fields = [refused(folder, spec).field for spec in (other_rate, other_objective, other_word)]
    assert fields == ["spec.learning_rate_t1", "spec.objective", "spec.initializer_t2"]


def test_its_towers_have_rates_of_their_own_where_a_spec_gives_none() -> None:
    message = spec_message()
    del message.optimizer.learning_rates["words"]
    assert dict(read_spec(message, PEBBLE).optimizer.learning_rates) == {"words": 0.05}


def test_what_only_the_other_family_does_is_refused(folder: Path) -> None:
    async def work() -> list[tuple[str, str]]:
        async with running_worker(folder, name="pebble") as worker:
            await worker.put()
            own_option = pb.DrawOptions(model="pebble", count=1)
            own_option.family_options.update({"prior_steps": "5"})
            options = pb.DrawOptions(model="pebble", count=1)
            requests: list[tuple[Any, Any]] = [
                (worker.stub.TextToImage, pb.TextToImageRequest(options=own_option, prompt="photo")),
                (
                    worker.stub.TextToImage,
                    pb.TextToImageRequest(options=pb.DrawOptions(model="pebble", count=1, sampler="p_sampler")),
                ),
                (worker.stub.Fuse, pb.FuseRequest(options=options, items=[pb.FuseItem(text="photo", weight=1)])),
            ]
            found: list[tuple[str, str]] = []
            for call, request in requests:
                with pytest.raises(grpc.aio.AioRpcError) as error:
                    _ = [response async for response in call(request)]
                detail = detail_of(error.value)
                found.append((detail.code, detail.field))
            convert = pb.ConvertEmbeddingRequest(file=tiny_run_file(folder), to_format="diffusers_t1")
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await worker.stub.ConvertEmbedding(convert)
            return [*found, (detail_of(error.value).code, detail_of(error.value).field)]

    assert run(work()) == [
        ("spec.invalid", "options.prior_steps"),
        ("spec.invalid", "options.sampler"),
        ("model.task_not_served", "model"),
        ("spec.invalid", "to_format"),
    ]


def tiny_run_file(folder: Path) -> bytes:
    model = ServedModels({"pebble": folder}).load("pebble")
    return tiny_run(model, pebble_spec(), pictures=[picture(1)]).embedding_bytes()


def test_its_table_has_what_it_describes() -> None:
    table = family_table([PEBBLE])["pebble"]
    assert table["options"] == {
        "tint": {"type": "number", "minimum": -1, "maximum": 1, "description": "what is added to every colour"}
    }
    assert set(table["parameters"]) == {"hardness", "repeats"}
    assert PEBBLE.options is PebbleOptions


def test_what_a_worker_describes_narrows_the_table(tiny_folder: Path, tmp_path: Path) -> None:
    """A whole model has all of its family; one without the optional part lacks the tasks that need it, and no more."""
    for entry in tiny_folder.iterdir():
        if "inpaint" not in entry.name:
            (tmp_path / entry.name).symlink_to(entry)

    async def described(path: Path) -> Any:
        async with running_worker(path) as worker:
            return (await worker.stub.Describe(pb.DescribeRequest())).models[0]

    table = family_table([KANDINSKY21])["kandinsky-2.1"]
    whole, lacking = run(described(tiny_folder)), run(described(tmp_path))
    for model in (whole, lacking):
        assert model.family == "kandinsky-2.1"
        assert [tower.name for tower in model.towers] == [tower["name"] for tower in table["towers"]]
        assert set(model.drawing_defaults) - {"num_steps", "guidance_scale"} <= set(table["options"])
    assert list(whole.tasks) == table["tasks"]
    assert [part.name for part in whole.parts] == [part["name"] for part in table["parts"]]
    assert list(lacking.tasks) == [task for task in table["tasks"] if task != "inpaint"]
    optional = [part["name"] for part in table["parts"] if part["is_optional"]]
    assert [part.name for part in lacking.parts] == [
        part["name"] for part in table["parts"] if part["name"] not in optional
    ]
