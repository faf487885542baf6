"""The losses that rows learn by, and what they are computed of: the decoder's, through the prior's sampler or by given
embeddings, and the prior's own.

Legend: N samples, C latent channels (4), H/W latent cells, S prior steps, E joint width, K embeddings of the pool.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from murnau_worker.core.batch import Batch, Prompt, Rows
from murnau_worker.core.draws import Draws
from murnau_worker.core.spec import TrainingSpec
from murnau_worker.core.turns import result_of
from murnau_worker.families.family import StepSamples
from murnau_worker.families.kandinsky21.condition import (
    LATENT_CHANNELS,
    condition_on,
    image_embeddings,
    predict,
    text_keys,
)
from murnau_worker.families.kandinsky21.networks import Networks
from murnau_worker.families.kandinsky21.parameters import parameters_of
from murnau_worker.families.kandinsky21.processes import DECODER_PROCESS
from murnau_worker.families.noise_loss import drawn_noise, loss_weights, noise_losses, normals
from murnau_worker.sampling.noising import add_noise
from murnau_worker.sampling.prior_sampler import PriorNoise
from murnau_worker.sampling.prior_schedule import PRIOR_PROCESS
from murnau_worker.sampling.tables import TRAINING_STEPS

TRAINING_PRIOR_GUIDANCE = 4.0  # as in the reference's training
PRIOR_TIMESTEPS = range(700, TRAINING_STEPS)  # below, the one-step loss leads elsewhere than the sampled prior
POOL_SIZE = 32  # embeddings that the learnt t2 gives the decoder's phase


def losses(networks: Networks, phase: str, batch: Batch, rows: Rows) -> torch.Tensor:
    """Each sample's loss [N]."""
    if phase == "prior":
        return prior_losses(networks, batch, rows)
    if "image" not in batch.tensors:
        batch = batch.having(image=sampled_images(networks, batch, rows))
    return decoder_losses(networks, batch, rows)


def sampled_images(networks: Networks, batch: Batch, rows: Rows) -> torch.Tensor:
    """The image embeddings [N, E] that the prior samples for a batch's prompts, all at once."""
    noise = PriorNoise(batch.tensors["prior_init"], batch.tensors["prior_steps"])
    keys, empty = text_keys(networks, batch, rows), networks.empty_text_keys()
    steps = str(noise.steps_BSE.shape[1])
    return result_of(image_embeddings(networks, keys, empty, noise, TRAINING_PRIOR_GUIDANCE, steps))


def decoder_losses(networks: Networks, batch: Batch, rows: Rows) -> torch.Tensor:
    """Weighted mean squared error of the predicted noise per sample [N], given the image embeddings."""
    given = batch.tensors
    condition = condition_on(networks, batch, rows, given["image"])
    noised_NCHW = add_noise(DECODER_PROCESS, given["latents"], given["noise"], given["timesteps"])
    output = predict(networks.unet, noised_NCHW, given["timesteps"], condition)
    return noise_losses(output[:, :LATENT_CHANNELS], given)


def prior_losses(networks: Networks, batch: Batch, rows: Rows) -> torch.Tensor:
    """Mean squared error of the prior's predicted clean embedding per sample [N]: one step, no guidance.

    Embeddings are normalised by the prior's statistics, as it is trained.
    """
    prior, given = networks.prior, batch.tensors
    clean_NE = prior.normalise(given["image"])
    alpha_bar_N = torch.from_numpy(PRIOR_PROCESS.alpha_bar)[given["timesteps"].cpu()].to(clean_NE.device)
    keep_N1, blur_N1 = alpha_bar_N.sqrt().float()[:, None], (1.0 - alpha_bar_N).sqrt().float()[:, None]
    noised_NE = keep_N1 * clean_NE + blur_N1 * given["noise"]
    predicted_NE = prior.predict(noised_NE, given["timesteps"].tolist(), text_keys(networks, batch, rows))
    return (predicted_NE - clean_NE).square().mean(dim=1)


def draw(networks: Networks, phase: str, samples: StepSamples) -> dict[str, torch.Tensor]:
    """What some samples of a step are computed of, beside their prompts."""
    spec, draws, step, pictures = samples.spec, samples.draws, samples.step, samples.pictures
    if phase == "prior":
        low, count = PRIOR_TIMESTEPS.start, len(PRIOR_TIMESTEPS)
        timesteps = [low + draws.integer("prior_timestep", step, index, count) for index in samples.numbers]
        return {
            "image": pictures.embeddings_NE,
            "noise": normals(draws, "prior_init", step, samples.numbers, (networks.embedding_width,)),
            "timesteps": torch.tensor(timesteps),
        }
    latents_NCHW = pictures.latents_NCHW
    shape, prior_steps = tuple(latents_NCHW.shape[1:]), parameters_of(spec).prior_steps
    noise = noise_of(networks, draws, step, samples.numbers, shape, prior_steps)
    tensors = {"latents": latents_NCHW, **noise}
    if phase == "decoder":
        tensors["image"] = _own_or_pooled(samples)
    return tensors | loss_weights(DECODER_PROCESS, spec, noise["timesteps"])


def noise_of(
    networks: Networks, draws: Draws, step: int, numbers: Sequence[int], latent_shape: tuple[int, ...], prior_steps: int
) -> dict[str, torch.Tensor]:
    """Noise and uniform timesteps of some samples of the decoder's loss."""
    width = networks.embedding_width
    return {
        **drawn_noise(draws, step, numbers, latent_shape),
        "prior_init": normals(draws, "prior_init", step, numbers, (width,)),
        "prior_steps": normals(draws, "prior_steps", step, numbers, (prior_steps, width)),
    }


def pool(networks: Networks, spec: TrainingSpec, rows: Rows, prompts: Sequence[Prompt]) -> Mapping[str, torch.Tensor]:
    """Image embeddings [K, E] that the prior samples by the learnt t2, for some of the prompts; no gradient.

    The decoder's phase, which leaves t2 alone, is given them for half of its samples, the pictures' own for the others.
    """
    networks.hold("prior")
    draws = Draws(spec.seed)
    chosen = [prompts[draws.integer("pool_template", 0, index, len(prompts))] for index in range(POOL_SIZE)]
    prior_steps = parameters_of(spec).prior_steps
    noise = noise_of(networks, Draws(f"{spec.seed}/pool"), 0, range(POOL_SIZE), (1,), prior_steps)
    batch = Batch.of(chosen, spec.pooling, noise)
    with torch.no_grad():
        return {"pool_KE": sampled_images(networks, batch, {"t2": rows["t2"]}).cpu()}


def _own_or_pooled(samples: StepSamples) -> torch.Tensor:
    """Image embeddings [N, E]: of each sample its picture's own, or one of the pool."""
    draws, step, pool_KE = samples.draws, samples.step, samples.constants["pool_KE"]
    return torch.stack(
        [
            pool_KE[draws.integer("pool_place", step, index, len(pool_KE))]
            if draws.uniform("pool", step, index) < 0.5
            else own_E
            for index, own_E in zip(samples.numbers, samples.pictures.embeddings_NE, strict=True)
        ]
    )
