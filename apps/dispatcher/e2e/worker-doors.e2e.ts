import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { defaultModel } from '@murnau/domain';
import { createGpuClient } from '@murnau/gpu-client';
import type { GpuClient, TrainEvent } from '@murnau/gpu-client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort, pause, Program, root, spec } from './harness.js';

/** The real worker by the client alone: no store and no Temporal. */
let folder: string;
let worker: Program;
let client: GpuClient;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'murnau-doors-'));
  const address = `127.0.0.1:${await freePort()}`;
  worker = new Program(
    join(root, 'python-worker/.venv/bin/python'),
    [
      ...['-m', 'murnau_worker', 'serve', '--listen', address, '--threads', '1'],
      ...['--model', `${defaultModel}=${join(root, 'models', defaultModel)}`],
    ],
    { TMPDIR: folder },
    join(folder, 'worker.log'),
  );
  worker.start();
  client = createGpuClient({ address });
  const isLoaded = (): Promise<boolean> =>
    client.describe().then(
      ({ models }) => models.every(({ loaded }) => loaded),
      () => false,
    );
  while (!(await isLoaded())) await pause(100);
}, 300_000);
afterAll(async () => {
  client.close();
  await worker.stop();
  await rm(folder, { recursive: true });
});

interface Segment {
  readonly untilStep: number;
  readonly epoch: number;
  readonly state?: Uint8Array;
  readonly step?: number;
}

const contents = new Map<string, Buffer>();

async function follow({ untilStep, epoch, state, step = 0 }: Segment): Promise<TrainEvent[]> {
  const session = client.train({
    run_id: '7f3a91c2',
    epoch,
    spec: spec({
      model: defaultModel,
      initializer_token: 'bird',
      max_steps: 4,
      batch_size: 1,
      checkpoint: { every_steps: 2 },
      eval: { every_steps: 0 },
      samples: { every_steps: 0, final_count: 0 },
    }),
    images: [...contents.keys()].map((hash) => ({ hash, name: hash.slice(0, 8) })),
    initializer_embedding: null,
    state: state ?? null,
    until_step: untilStep,
    acknowledged_step: step,
  });
  const events: TrainEvent[] = [];
  for await (const event of session) {
    events.push(event);
    if (event.kind === 'checkpoint') session.acknowledge(event.step);
  }
  return events;
}

const stateOf = (events: readonly TrainEvent[]): Uint8Array => {
  const last = events.findLast((event) => event.kind === 'checkpoint');
  if (last === undefined) throw new Error('no checkpoint came');
  return last.state;
};

interface Header {
  readonly __metadata__: { murnau_state: string };
}

/** A safetensors file: its header's length in 8 bytes, the header, the tensors. */
function withEvaluations(state: Uint8Array, count: number): Buffer {
  const content = Buffer.from(state);
  const end = 8 + Number(content.readBigUInt64LE());
  const header = JSON.parse(content.subarray(8, end).toString()) as Header;
  const own = JSON.parse(header.__metadata__.murnau_state) as { evaluations: unknown[] };
  own.evaluations = Array.from({ length: count }, (_, step) => ({ step, eval_loss: 0.5, eval_gain: 0.25 }));
  header.__metadata__.murnau_state = JSON.stringify(own);
  const text = Buffer.from(JSON.stringify(header));
  const padding = Buffer.alloc((8 - (text.length % 8)) % 8, ' ');
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length + padding.length));
  return Buffer.concat([length, text, padding, content.subarray(end)]);
}

const upload = (): Promise<number> =>
  client.ensureBlobs([...contents.keys()], (hash) => Promise.resolve(contents.get(hash) ?? Buffer.alloc(0)));

describe('the real worker and its client', () => {
  it('pass a state of 6 MiB in both directions, and blobs again that a cleaner removed', async () => {
    const examples = join(root, 'examples/owl');
    for (const name of (await readdir(examples)).filter((each) => each.endsWith('.png'))) {
      const content = await readFile(join(examples, name));
      contents.set(createHash('sha256').update(content).digest('hex'), content);
    }
    expect(await upload()).toBe(contents.size);
    expect(await upload()).toBe(0);
    const first = stateOf(await follow({ untilStep: 2, epoch: 1 }));

    const [blobs] = (await readdir(folder)).filter((name) => name.startsWith('murnau-blobs-'));
    if (blobs === undefined) throw new Error('the worker has no folder of blobs');
    await rm(join(folder, blobs), { recursive: true });
    await expect(follow({ untilStep: 4, epoch: 2, state: first, step: 2 })).rejects.toMatchObject({
      code: 'blob.not_found',
    });
    expect(await upload()).toBe(contents.size);

    const large = withEvaluations(first, 130_000);
    expect(large.length).toBeGreaterThan(6 * 1024 * 1024);
    const last = stateOf(await follow({ untilStep: 4, epoch: 3, state: large, step: 2 }));
    expect(last.length).toBeGreaterThan(large.length);
  }, 240_000);
});
