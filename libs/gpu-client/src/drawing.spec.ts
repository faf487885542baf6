import { createHash } from 'node:crypto';
import { generationRequestSchema, MurnauError, parse } from '@murnau/domain';
import type { GenerationRequest, GenerationRequestInput } from '@murnau/domain';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createGpuClient } from './client.js';
import { toDrawRequest } from './convert/drawing.js';
import { startFakeWorker } from './fake/fake-worker.js';
import type { FakeWorker } from './fake/fake-worker.js';
import type { CallControl, DrawEvent, GpuClient } from './types.js';

const content = { image: Buffer.from('a picture'), mask: Buffer.from('a mask') };
const hashOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const [image, mask] = [hashOf(content.image), hashOf(content.mask)];
const draw = { model: 'fake', prompt: 'a red cube', count: 2, seed: 3 };
const requests = {
  text2img: { task: 'text2img', ...draw },
  fuse: {
    task: 'fuse',
    model: 'fake',
    count: 2,
    seed: 3,
    items: [
      { text: 'a cat', weight: 0.3 },
      { image, weight: 0.7 },
    ],
  },
  inpaint: { task: 'inpaint', ...draw, image, mask },
  img2img: { task: 'img2img', ...draw, image, strength: 0.7 },
} as const satisfies Record<string, GenerationRequestInput>;
const read = (request: GenerationRequestInput): GenerationRequest =>
  parse(generationRequestSchema, request, 'request');

let worker: FakeWorker;
let client: GpuClient;
const start = async (options: Parameters<typeof startFakeWorker>[0] = {}) => {
  worker = await startFakeWorker({ stepMs: 1, ...options });
  client = createGpuClient({ address: worker.address });
};
beforeEach(() => start());
afterEach(async () => {
  client.close();
  await worker.kill();
});

const upload = () =>
  client.ensureBlobs([image, mask], (hash) => Promise.resolve(hash === image ? content.image : content.mask));

async function drawn(request: GenerationRequestInput, control?: CallControl): Promise<DrawEvent[]> {
  const events: DrawEvent[] = [];
  const drawing = { generation_id: 'aabbccdd', request: read(request), embeddings: [] };
  for await (const event of client.draw(drawing, control)) events.push(event);
  return events;
}

describe('conversion', () => {
  it('says nothing where the model decides', () => {
    const { request } = toDrawRequest({
      generation_id: 'g',
      request: read(requests.text2img),
      embeddings: [],
    });
    expect(request.options).toMatchObject({
      numSteps: 0,
      ddimEta: 0,
      width: 0,
    });
    expect(request.options?.familyOptions).toEqual({});
  });

  it('carries every option', () => {
    const request = read({
      ...requests.text2img,
      seed: Number.MAX_SAFE_INTEGER,
      num_steps: 7,
      guidance_scale: 4.5,
      prior_steps: '10,5',
      prior_guidance_scale: 2,
      ddim_eta: 0.25,
      width: 96,
      height: 64,
      negative_prior_prompt: 'grey',
      negative_decoder_prompt: 'blurry',
      reference_quirks: true,
      preview_every_steps: 2,
    });
    const file = Buffer.from('rows');
    expect(toDrawRequest({ generation_id: 'g', request, embeddings: [file] }).request.options).toEqual({
      generationId: 'g',
      model: 'fake',
      embeddings: [{ file }],
      count: 2,
      seed: 9007199254740991n,
      numSteps: 7,
      guidanceScale: 4.5,
      sampler: 'ddim_sampler',
      ddimEta: 0.25,
      width: 96,
      height: 64,
      familyOptions: {
        prior_steps: '10,5',
        prior_guidance_scale: 2,
        negative_prior_prompt: 'grey',
        negative_decoder_prompt: 'blurry',
        reference_quirks: true,
      },
      previewEverySteps: 2,
    });
  });

  it('keeps the order of what is fused', () => {
    const made = toDrawRequest({ generation_id: 'g', request: read(requests.fuse), embeddings: [] });
    expect(made).toMatchObject({
      task: 'fuse',
      request: {
        items: [
          { content: { $case: 'text', value: 'a cat' }, weight: 0.3 },
          { content: { $case: 'imageHash', value: image }, weight: 0.7 },
        ],
      },
    });
  });
});

describe('drawing', () => {
  it.each(Object.keys(requests) as (keyof typeof requests)[])(
    '%s: loads, starts, steps, pictures',
    async (task) => {
      await upload();
      const events = await drawn(requests[task]);
      const images = events.flatMap((event) => (event.kind === 'image' ? [event] : []));
      expect(images.map(({ position, seed }) => [position, seed])).toEqual([
        [0, 3],
        [1, 4],
      ]);
      expect(events[1]).toEqual({
        kind: 'progress',
        step: 0,
        steps: 0,
        phase: 'loading',
        detail: 'text encoder, 1 of 5 parts',
      });
      expect(events[2]).toMatchObject({
        kind: 'started',
        model_fingerprint: 'f'.repeat(64),
        worker_version: '0.0.0',
      });
      const steps = events.flatMap((event) =>
        event.kind === 'progress' && event.steps > 0 ? [event.step] : [],
      );
      expect(steps).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      expect(worker.drawings.size).toBe(0);
    },
  );

  it('gives each seed its picture, whatever is drawn beside it', async () => {
    const pngs = async (seed: number, count: number) =>
      (await drawn({ ...requests.text2img, seed, count })).flatMap((event) =>
        event.kind === 'image' ? [event.png] : [],
      );
    expect(await pngs(4, 1)).toEqual((await pngs(3, 2)).slice(1));
  });

  it('sends previews and notices when there is reason to', async () => {
    const prompt = 'word '.repeat(80).trim();
    const events = await drawn({ ...requests.text2img, prompt, count: 1, preview_every_steps: 2 });
    expect(events.filter(({ kind }) => kind === 'preview')).toHaveLength(2);
    expect(events.filter(({ kind }) => kind === 'notice')).toEqual([
      { kind: 'notice', message: "The model reads 77 of the prompt's 80 words." },
    ]);
  });

  it('passes refusals on by their codes', async () => {
    const failure = (request: GenerationRequestInput) =>
      drawn(request).catch((error: unknown) => (error instanceof MurnauError ? error.code : error));
    expect(await failure(requests.inpaint)).toBe('blob.not_found');
    expect(await failure({ ...requests.text2img, model: 'other' })).toBe('model.not_served');
    client.close();
    await worker.kill();
    await start({ tasks: ['text2img'] });
    await upload();
    expect(await failure(requests.inpaint)).toBe('model.task_not_served');
  });

  it.each(['dropStreams', 'kill'] as const)('turns %s into worker.lost', async (fault) => {
    const lost = (async () => {
      const drawing = {
        generation_id: 'a',
        request: read({ ...requests.text2img, count: 64 }),
        embeddings: [],
      };
      for await (const { kind } of client.draw(drawing)) if (kind === 'image') void worker[fault]();
    })();
    await expect(lost).rejects.toMatchObject({ code: 'worker.lost' });
  });

  it('stops the worker when the caller aborts', async () => {
    const stop = new AbortController();
    const drawing = drawn({ ...requests.text2img, count: 64, num_steps: 1000 }, { signal: stop.signal });
    while (worker.drawings.size === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    stop.abort();
    await expect(drawing).rejects.toThrow(/abort/i);
    for (let waited = 0; worker.drawings.size > 0 && waited < 1_000; waited += 10) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(worker.drawings.size).toBe(0);
  });
});
