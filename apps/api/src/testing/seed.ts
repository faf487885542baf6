import { randomBytes } from 'node:crypto';
import {
  type Dataset,
  expandTrials,
  type Run,
  type Sample,
  type Sweep,
  sweepFileSchema,
  trainingSpecSchema,
} from '@murnau/domain';
import type { TrainingSpecInput, WorkerModel } from '@murnau/domain';
import type { Store } from '@murnau/store';
import sharp from 'sharp';

/** Fills a store with what a stack would have left, pictures included. */

export const owner = 'ada';
export const model = 'kandinsky-2.1-small';

/** A picture of 64 × 64 pixels: a disc that comes out of noise as `clarity` goes from 0 to 1. */
export async function drawPicture(seed: number, clarity: number): Promise<Buffer> {
  const hue = (seed * 47) % 360;
  const [x, y] = [24 + ((seed * 7) % 17), 24 + ((seed * 11) % 17)];
  const disc = `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">
    <rect width="64" height="64" fill="hsl(${(hue + 180) % 360} 30% 85%)"/>
    <circle cx="${x}" cy="${y}" r="17" fill="hsl(${hue} 70% 50%)"/>
    <circle cx="${x - 5}" cy="${y - 6}" r="4" fill="white" opacity="0.8"/></svg>`;
  const noise = Buffer.alloc(64 * 64 * 4);
  let state = seed * 7919 + 1;
  for (let index = 0; index < noise.length; index += 1) {
    state = (state * 1103515245 + 12345) % 2147483648;
    noise[index] = index % 4 === 3 ? Math.round(255 * (1 - clarity)) : (state >> 8) & 255;
  }
  return sharp(Buffer.from(disc))
    .composite([{ input: noise, raw: { width: 64, height: 64, channels: 4 } }])
    .removeAlpha()
    .png()
    .toBuffer();
}

export async function seedDataset(store: Store, name = 'sapsan'): Promise<Dataset> {
  const pictures = await Promise.all([1, 2, 3, 4].map((seed) => drawPicture(seed, 1)));
  const blobs = await store.blobs.putMany(pictures.map((content) => ({ content, media_type: 'image/png' })));
  const images = blobs.map(({ hash }, index) => ({ hash, name: `${index + 1}.png`, width: 64, height: 64 }));
  return store.datasets.create({ name, owner, images });
}

export const smallModel: WorkerModel = {
  name: model,
  family: 'kandinsky-2.1',
  fingerprint: 'c0ffee'.repeat(10),
  image_size: 64,
  towers: [
    { name: 't1', width: 64, vocabulary_rms: 1 },
    { name: 't2', width: 48 },
  ],
  loaded: true,
  judge: 'glyphs',
  dtype: 'float32',
  tasks: ['train', 'text2img', 'fuse', 'img2img', 'inpaint'],
  parts: [
    { name: 'prior', loaded: true, size_bytes: 2e6 },
    { name: 'unet', loaded: false, size_bytes: 0 },
  ],
  sampling: { num_steps: 50, guidance_scale: 4, prior_steps: '25', prior_guidance_scale: 4 },
};
/** One that cannot be trained, and draws from text only. */
export const drawingModel: WorkerModel = {
  name: 'kandinsky-2.1-drawing-only',
  family: 'kandinsky-2.1',
  fingerprint: 'beef'.repeat(16),
  image_size: 768,
  towers: [
    { name: 't1', width: 1024, vocabulary_rms: 1 },
    { name: 't2', width: 768 },
  ],
  loaded: false,
  judge: '',
  dtype: 'float16',
  tasks: ['text2img'],
  parts: [],
  sampling: null,
};

export async function seedWorker(
  store: Store,
  name = 'worker-0',
  quarantine_reason: string | null = null,
  models: readonly WorkerModel[] = [smallModel],
): Promise<void> {
  await store.workers.heartbeat({
    name,
    address: '127.0.0.1:7840',
    device: { kind: 'cpu', name: 'A processor', memory_bytes: 24e9, memory_used_bytes: 1.3e9, threads: 2 },
    models: [...models],
    slots: 4,
    running: 2,
    generating: 0,
    steps_per_second: 3.71,
    quarantine_reason,
  });
}

export async function seedRun(
  store: Store,
  datasetId: string,
  spec: Partial<TrainingSpecInput> = {},
): Promise<Run> {
  return store.runs.create({
    owner,
    dataset_id: datasetId,
    spec: trainingSpecSchema.parse({ placeholder_token: 'sapsan', initializer_token: 'train', ...spec }),
  });
}

/** Trains up to `until`, as a dispatcher would store it; at the last step it is published. */
export async function train(
  store: Store,
  run: Run,
  until: number,
  claim = { chain: 0, segment: 0, attempt: 0 },
): Promise<void> {
  const { spec } = run;
  const { epoch, resume } = await store.runs.claim(run.id, claim, 'dispatcher-0');
  const start = resume?.step ?? 0;
  await store.runs.recordStarted(run.id, epoch, {
    fingerprint: 'f',
    model_fingerprint: 'm',
    step: start,
    loading_s: 1,
  });
  const every = spec.checkpoint.every_steps;
  for (let step = start + every; step <= until; step += every) {
    const metrics = Array.from({ length: every }, (_, index) => ({
      step: step - every + index + 1,
      name: 'train_loss',
      value:
        0.05 +
        0.2 * Math.exp(-(step - every + index) / 60) +
        0.03 * Math.abs(Math.sin(index * 12.9898 + step)),
    }));
    const shift = spec.initializer_token.length / 100;
    const value = (name: string, given: number) => ({ step, name, value: given });
    metrics.push(
      value('eval_loss', 0.06 + 0.16 * Math.exp(-step / 70) + shift),
      value('eval_gain', 0.16 * (1 - Math.exp(-step / 70)) - shift),
      value('norm_t1', 1 + step / 400),
      value('norm_t2', 1.2 + step / 300),
    );
    const samples: Sample[] = [];
    if (step % spec.samples.every_steps === 0) samples.push(...(await draw(store, spec, 'progress', step)));
    if (step === spec.max_steps) {
      samples.push(
        ...(await draw(store, spec, 'final', step)),
        ...(await draw(store, spec, 'baseline', step)),
        ...(await draw(store, spec, 'fuse_baseline', step)),
      );
      metrics.push(
        value('image_alignment', 0.81 - shift),
        value('text_alignment', 0.75),
        value('baseline_image_alignment', 0.22),
        value('baseline_text_alignment', 0.88),
        value('fuse_image_alignment', 0.78),
        value('fuse_text_alignment', 0.06),
      );
    }
    const [state, embedding] = await store.blobs.putMany(
      ['state', 'embedding'].map((kind) => ({
        content: randomBytes(64),
        media_type: `application/x-${kind}`,
      })),
    );
    await store.runs.recordProgress(run.id, epoch, {
      metrics,
      samples,
      ...(step === spec.max_steps && {
        judgement: { judge: 'conv-319', concept: 'train', baseline_word: 'vehicle' },
      }),
      checkpoint: { step, state_hash: state?.hash ?? '', embedding_hash: embedding?.hash ?? '' },
    });
  }
  if (until === spec.max_steps) await store.runs.finish(run.id, epoch, {});
}

async function draw(store: Store, spec: Run['spec'], kind: Sample['kind'], step: number): Promise<Sample[]> {
  const { per_prompt, final_count, seed, final_seed } = spec.samples;
  const [count, first] = kind === 'progress' ? [per_prompt, seed] : [final_count, final_seed];
  const clarity =
    kind === 'baseline' ? 0.35 : kind === 'fuse_baseline' ? 0.7 : 0.15 + 0.85 * (step / spec.max_steps);
  const word = kind === 'baseline' ? spec.initializer_token : spec.placeholder_token;
  return Promise.all(
    Array.from({ length: count }, async (_, position): Promise<Sample> => {
      const picture = await drawPicture(first + position, clarity);
      const { hash } = await store.blobs.put(picture, 'image/png');
      const { prompts } = spec.samples;
      const template =
        kind === 'progress' ? prompts[Math.floor((position * prompts.length) / count)] : prompts[0];
      const prompt = (template ?? '').replace('{placeholder}', word);
      return { step, kind, position, prompt, seed: first + position, hash, image_alignment: clarity };
    }),
  );
}

export async function seedSweep(store: Store, datasetId: string): Promise<Sweep> {
  const spec = sweepFileSchema.parse({
    name: 'sapsan-pairs',
    samples: { final_count: 4 },
    dataset: datasetId,
    parameters: {
      pair: {
        values: [
          { placeholder: 'sapsan', initializer: 'train' },
          { placeholder: 'sapsan', initializer: 'locomotive' },
        ],
      },
      learning_rate_t1: { values: [0.05, 0.2] },
      max_steps: { value: 100 },
    },
  });
  const trials = expandTrials(spec).map(({ dataset, ...trial }) => ({ ...trial, dataset_id: dataset }));
  return store.sweeps.create({ owner, spec, trials });
}
