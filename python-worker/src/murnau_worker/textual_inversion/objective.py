"""The losses that rows learn by: the decoder's through the prior's sampler, and each half of it by itself.

Legend: N samples, C latent channels (4), H/W latent cells, S prior steps, E joint width, R learnt rows, D row width.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from murnau_worker.core.batch import LearntPair, NoiseDraws, PriorBatch, PromptBatch, TrainingBatch
from murnau_worker.core.spec import Pooling
from murnau_worker.models.kandinsky import Kandinsky
from murnau_worker.sampling.decoder import LATENT_CHANNELS, DecoderCondition, predict
from murnau_worker.sampling.prior_sampler import sample_image_embedding
from murnau_worker.sampling.prior_schedule import prior_schedule
from murnau_worker.sampling.tables import decoder_alpha_bar, prior_alpha_bar

TRAINING_PRIOR_GUIDANCE = 4.0


def add_noise(latents_NCHW: torch.Tensor, noise_NCHW: torch.Tensor, timesteps_N: torch.Tensor) -> torch.Tensor:
    """q(x_t | x_0) of the decoder (Ho et al. 2020, eq. 4)."""
    alpha_bar_N = torch.from_numpy(decoder_alpha_bar())[timesteps_N.cpu()].to(latents_NCHW.device)
    keep_N111 = alpha_bar_N.sqrt().float()[:, None, None, None]
    blur_N111 = (1.0 - alpha_bar_N).sqrt().float()[:, None, None, None]
    return keep_N111 * latents_NCHW + blur_N111 * noise_NCHW


def masked_mean(error_NCHW: torch.Tensor, cell_weights_N1HW: torch.Tensor | None) -> torch.Tensor:
    """Each sample's mean [N] under its cells' weights; weights of 1 everywhere give exactly the plain mean."""
    if cell_weights_N1HW is None:
        return error_NCHW.mean(dim=(1, 2, 3))
    return (error_NCHW * cell_weights_N1HW).mean(dim=(1, 2, 3)) / cell_weights_N1HW.mean(dim=(1, 2, 3))


def image_embeddings(
    model: Kandinsky, prompts: PromptBatch, t2_RD: torch.Tensor | None, poolings: Sequence[Pooling], draws: NoiseDraws
) -> torch.Tensor:
    """The image embeddings [N, E] that the prior samples for N prompts, guidance as in the reference's training."""
    t2 = model.t2.encode(prompts.t2_ids_NL, prompts.t2_mask_NL, t2_RD, poolings)
    return sample_image_embedding(
        model.prior,
        model.prior.encode_text(t2),
        model.empty_text_keys(),
        draws.prior_init_NE,
        draws.prior_steps_SNE,
        TRAINING_PRIOR_GUIDANCE,
        prior_schedule(str(len(draws.prior_steps_SNE))),
    )


def condition_on(
    model: Kandinsky,
    batch: TrainingBatch,
    rows: LearntPair | None,
    poolings: Sequence[Pooling],
) -> DecoderCondition:
    """What the decoder is given for N prompts: XLM-R's text, and the image embedding of the batch or the prior."""
    image_NE = batch.image_NE
    if image_NE is None:
        image_NE = image_embeddings(model, batch.prompts, rows.t2_RD if rows else None, poolings, batch.draws)
    t1 = model.t1.encode(batch.prompts.t1_ids_NL, rows.t1_RD if rows else None, batch.dropout_seed)
    return DecoderCondition(t1.context_BPD, t1.pooled_BE, image_NE)


def decoder_losses(
    model: Kandinsky, batch: TrainingBatch, rows: LearntPair | None, poolings: Sequence[Pooling]
) -> torch.Tensor:
    """Weighted mean squared error of the predicted noise per sample [N]. `poolings`: each sample's."""
    draws = batch.draws
    condition = condition_on(model, batch, rows, poolings)
    noised_NCHW = add_noise(batch.latents_NCHW, draws.noise_NCHW, draws.timesteps_N)
    output = predict(model.unet, noised_NCHW, draws.timesteps_N, condition)
    losses_N = masked_mean((output[:, :LATENT_CHANNELS] - draws.noise_NCHW).square(), batch.cell_weights_N1HW)
    return losses_N if batch.weights_N is None else losses_N * batch.weights_N


def prior_losses(model: Kandinsky, batch: PriorBatch, t2_RD: torch.Tensor, poolings: Sequence[Pooling]) -> torch.Tensor:
    """Mean squared error of the prior's predicted clean embedding per sample [N]: one step, no guidance.

    Embeddings are normalised by the prior's statistics, as it is trained.
    """
    network = model.prior
    clean_NE = network.normalise(batch.image_NE)
    alpha_bar_N = torch.from_numpy(prior_alpha_bar())[batch.timesteps_N.cpu()].to(clean_NE.device)
    keep_N1, blur_N1 = alpha_bar_N.sqrt().float()[:, None], (1.0 - alpha_bar_N).sqrt().float()[:, None]
    text = network.encode_text(model.t2.encode(batch.prompts.t2_ids_NL, batch.prompts.t2_mask_NL, t2_RD, poolings))
    predicted_NE = network.predict(keep_N1 * clean_NE + blur_N1 * batch.noise_NE, batch.timesteps_N.tolist(), text)
    return (predicted_NE - clean_NE).square().mean(dim=1)


def min_snr_weights(timesteps: Sequence[int], gamma: float) -> torch.Tensor:
    """min(SNR, gamma) / SNR of the decoder's noise at some timesteps [N] (Hang et al. 2023, for noise prediction)."""
    alpha_bar_N = decoder_alpha_bar()[list(timesteps)]
    snr_N = alpha_bar_N / (1.0 - alpha_bar_N)
    return torch.from_numpy(np.minimum(snr_N, gamma) / snr_N).float()
