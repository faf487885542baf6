"""The losses that rows learn by: the decoder's through the prior's sampler, and each half of it by itself.

Legend: N samples, C latent channels (4), H/W latent cells, S prior steps, E joint width, R learnt rows, D row width.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from murnau_worker.core.batch import LearntPair, NoiseDraws, PriorBatch, TrainingBatch
from murnau_worker.core.draws import Draws
from murnau_worker.core.spec import Pooling
from murnau_worker.families.kandinsky21.condition import LATENT_CHANNELS, condition_on, predict
from murnau_worker.families.kandinsky21.networks import Networks
from murnau_worker.sampling.noising import add_noise, masked_mean
from murnau_worker.sampling.tables import TRAINING_STEPS, prior_alpha_bar

PRIOR_TIMESTEPS = range(700, TRAINING_STEPS)  # below, the one-step loss leads elsewhere than the sampled prior
POOL_SIZE = 32  # embeddings that the learnt t2 gives the decoder's phase


def decoder_losses(
    networks: Networks, batch: TrainingBatch, rows: LearntPair | None, poolings: Sequence[Pooling]
) -> torch.Tensor:
    """Weighted mean squared error of the predicted noise per sample [N]. `poolings`: each sample's."""
    draws = batch.draws
    condition = condition_on(networks, batch, rows, poolings)
    noised_NCHW = add_noise(batch.latents_NCHW, draws.noise_NCHW, draws.timesteps_N)
    output = predict(networks.unet, noised_NCHW, draws.timesteps_N, condition)
    losses_N = masked_mean((output[:, :LATENT_CHANNELS] - draws.noise_NCHW).square(), batch.cell_weights_N1HW)
    return losses_N if batch.weights_N is None else losses_N * batch.weights_N


def prior_losses(
    networks: Networks, batch: PriorBatch, t2_RD: torch.Tensor, poolings: Sequence[Pooling]
) -> torch.Tensor:
    """Mean squared error of the prior's predicted clean embedding per sample [N]: one step, no guidance.

    Embeddings are normalised by the prior's statistics, as it is trained.
    """
    network = networks.prior
    clean_NE = network.normalise(batch.image_NE)
    alpha_bar_N = torch.from_numpy(prior_alpha_bar())[batch.timesteps_N.cpu()].to(clean_NE.device)
    keep_N1, blur_N1 = alpha_bar_N.sqrt().float()[:, None], (1.0 - alpha_bar_N).sqrt().float()[:, None]
    text = network.encode_text(networks.t2.encode(batch.prompts.t2_ids_NL, batch.prompts.t2_mask_NL, t2_RD, poolings))
    predicted_NE = network.predict(keep_N1 * clean_NE + blur_N1 * batch.noise_NE, batch.timesteps_N.tolist(), text)
    return (predicted_NE - clean_NE).square().mean(dim=1)


def noise_draws(
    networks: Networks, draws: Draws, step: int, samples: range, latent_shape: tuple[int, ...], prior_steps: int
) -> NoiseDraws:
    """Noise and uniform timesteps of some samples of a step."""
    width, device = networks.embedding_width, networks.device
    timesteps = [draws.integer("timestep", step, index, TRAINING_STEPS) for index in samples]

    def normal(name: str, shape: tuple[int, ...]) -> torch.Tensor:
        return torch.stack([draws.normal(name, step, index, shape) for index in samples]).to(device)

    return NoiseDraws(
        noise_NCHW=normal("noise", latent_shape),
        timesteps_N=torch.tensor(timesteps, device=device),
        prior_init_NE=normal("prior_init", (width,)),
        prior_steps_SNE=normal("prior_steps", (prior_steps, width)).transpose(0, 1),
    )
