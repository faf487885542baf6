import { createHash, randomBytes } from 'node:crypto';
import { MurnauError, parse, trainingSpecSchema } from '@murnau/domain';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createGpuClient } from './client.js';
import { fakeEmbedding } from './fake/fake-training.js';
import { startFakeWorker } from './fake/fake-worker.js';
import type { FakeWorker } from './fake/fake-worker.js';
import type { GpuClient, TrainEvent, TrainStart } from './types.js';

const spec = parse(
  trainingSpecSchema,
  {
    model: 'fake',
    placeholder_token: 'sapsan',
    initializer_token: 'train',
    max_steps: 40,
    checkpoint: { every_steps: 10 },
    eval: { every_steps: 0 },
    samples: { every_steps: 0, final_count: 1 },
  },
  'spec',
);
const content = randomBytes(2_500_000);
const hash = createHash('sha256').update(content).digest('hex');
const start: TrainStart = {
  run_id: '7f3a91c2',
  epoch: 1,
  spec,
  images: [{ hash, name: 'a.png' }],
  initializer_embedding: null,
  state: null,
  until_step: 40,
  acknowledged_step: 0,
};

let worker: FakeWorker;
let client: GpuClient;
beforeEach(async () => {
  worker = await startFakeWorker({ stepMs: 1 });
  client = createGpuClient({ address: worker.address });
});
afterEach(async () => {
  client.close();
  await worker.kill();
});

const upload = (): Promise<number> => client.ensureBlobs([hash], () => Promise.resolve(content));

async function follow(request: TrainStart, onEvent?: (event: TrainEvent) => void): Promise<TrainEvent[]> {
  const session = client.train(request);
  const events: TrainEvent[] = [];
  for await (const event of session) {
    events.push(event);
    onEvent?.(event);
    if (event.kind === 'checkpoint') session.acknowledge(event.step);
  }
  return events;
}

async function failureOf(promise: Promise<unknown>): Promise<MurnauError> {
  const error: unknown = await promise.then(() => undefined).catch((reason: unknown) => reason);
  if (!(error instanceof MurnauError)) throw new Error(`not a MurnauError: ${String(error)}`);
  return error;
}

describe('GPU client', () => {
  it('describes a worker in domain types', async () => {
    expect(await client.describe()).toMatchObject({
      slots: 2,
      device: { memory_bytes: 1 },
      models: [
        {
          name: 'fake',
          dtype: 'float32',
          tasks: ['train', 'text2img', 'fuse', 'inpaint', 'img2img'],
          family: 'kandinsky-2.1',
          towers: [
            { name: 't1', width: 64, vocabulary_rms: 1 },
            { name: 't2', width: 48, vocabulary_rms: 1 },
          ],
          sampling: { num_steps: 5, guidance_scale: 4, prior_steps: '3', prior_guidance_scale: 2 },
        },
      ],
    });
  });

  it('uploads only what is missing, in chunks', async () => {
    expect(await upload()).toBe(1);
    expect(await upload()).toBe(0);
  });

  it('reports a corrupt upload by its code', async () => {
    const error = await failureOf(client.ensureBlobs([hash], () => Promise.resolve(Buffer.from('other'))));
    expect(error.code).toBe('blob.corrupt');
  });

  it('follows a segment to its end', async () => {
    await upload();
    const events = await follow(start);
    const checkpoints = events.flatMap((event) => (event.kind === 'checkpoint' ? [event.step] : []));
    expect(checkpoints).toEqual([0, 10, 20, 30, 40]);
    expect(events.filter(({ kind }) => kind === 'sample')).toHaveLength(4);
    expect(events.at(-1)).toMatchObject({ kind: 'finished', reason: 'until_step' });
    const last = events.findLast((event) => event.kind === 'checkpoint');
    expect(Buffer.from(last?.embedding ?? []).toString()).toBe(fakeEmbedding(0, 40));
  });

  it('makes the worker wait for acknowledgements', async () => {
    await upload();
    const session = client.train(start);
    const timer = setTimeout(() => session.acknowledge(10), 300);
    let newest = 0;
    for await (const event of session) {
      if (event.kind === 'checkpoint') newest = event.step;
      if (newest === 20) break;
    }
    clearTimeout(timer);
    expect(newest).toBe(20);
    expect(worker.stepsDone).toBeLessThanOrEqual(21);
  });

  it('turns a broken stream into worker.lost', async () => {
    await upload();
    const error = await failureOf(
      follow(start, (event) => event.kind === 'checkpoint' && worker.dropStreams()),
    );
    expect(error.code).toBe('worker.lost');
    expect(error.cause).toBeDefined();
  });

  it('turns a killed worker into worker.lost, and finds it again', async () => {
    await upload();
    const port = Number(worker.address.split(':')[1]);
    const error = await failureOf(
      follow(start, (event) => event.kind === 'checkpoint' && void worker.kill()),
    );
    expect(error.code).toBe('worker.lost');
    expect((await failureOf(client.describe())).code).toBe('worker.unavailable');
    worker = await startFakeWorker({ port });
    const begin = Date.now();
    for (;;) {
      const answer = await client.describe().catch(() => undefined);
      if (answer !== undefined) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(Date.now() - begin).toBeLessThan(1_000);
  });

  it('finds a silent worker in about five seconds', async () => {
    await upload();
    const begin = Date.now();
    const error = await failureOf(follow(start, (event) => event.kind === 'checkpoint' && worker.freeze()));
    expect(error.code).toBe('worker.lost');
    expect(Date.now() - begin).toBeLessThan(7_000);
  }, 20_000);

  it('passes the worker’s own code on', async () => {
    await upload();
    worker.failNext('device.out_of_memory');
    const error = await failureOf(follow(start));
    expect(error).toMatchObject({ code: 'device.out_of_memory', message: 'planned: device.out_of_memory' });
  });

  it('lets go of a run when the caller aborts', async () => {
    await upload();
    const stop = new AbortController();
    const session = client.train(start, { signal: stop.signal });
    const reading = (async () => {
      for await (const event of session) if (event.kind === 'checkpoint') stop.abort();
    })();
    await expect(reading).rejects.toThrow(/abort/i);
    for (let waited = 0; worker.sessions.size > 0 && waited < 1_000; waited += 10) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(worker.sessions.size).toBe(0);
  });

  it('converts and checks words', async () => {
    const converted = await client.convertEmbedding({ file: Buffer.from('x'), to_format: 'bin' });
    expect(converted).toMatchObject({ placeholder_token: 'sapsan', pooling: 'eot' });
    expect(await client.checkTokens({ model: 'fake', placeholder_token: 'train' })).toMatchObject([
      { code: 'placeholder.known_word' },
    ]);
  });
});
