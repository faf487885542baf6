// What is stored before the first request: so that many of them meet something that exists.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../bootstrap/root.mjs';

const waitMs = 60_000;

class Api {
  constructor({ apiUrl, token }) {
    this.url = apiUrl;
    this.authorization = `Bearer ${token}`;
  }

  async send(method, path, { json, bytes, type = 'application/json' } = {}) {
    const body = bytes ?? (json === undefined ? undefined : JSON.stringify(json));
    const headers = {
      authorization: this.authorization,
      ...(body === undefined ? {} : { 'content-type': type }),
    };
    const response = await fetch(`${this.url}${path}`, { method, headers, body });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  }

  async file(path) {
    const response = await fetch(`${this.url}${path}`, { headers: { authorization: this.authorization } });
    return Buffer.from(await response.arrayBuffer());
  }

  async ended(path) {
    const deadline = Date.now() + waitMs;
    for (;;) {
      const resource = await this.send('GET', path);
      if (resource.finished_at !== null) return resource;
      if (Date.now() > deadline) throw new Error(`${path} has not ended within ${waitMs / 1000} s`);
      await sleep(200);
    }
  }
}

/** @returns `known`: ids by the name of their list in the API; `files`: what it takes as a file, in base64 */
export async function plant(stack, model) {
  const api = new Api(stack);
  const folder = join(root, 'examples/octopus');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.png'));
  const images = await Promise.all(
    names.map(async (name) => {
      const sent = { bytes: await readFile(join(folder, name)), type: 'image/png' };
      return { name, ...(await api.send('POST', '/v1/blobs?purpose=training', sent)) };
    }),
  );
  const dataset = await api.send('POST', '/v1/datasets', {
    json: { name: 'octopus', images: images.map(({ name, hash }) => ({ name, hash })) },
  });
  const words = { placeholder_token: 'oktavo', initializer_token: 'cat', model };
  const runOf = (max_steps) =>
    api.send('POST', '/v1/runs', { json: { dataset_id: dataset.id, spec: { ...words, max_steps } } });
  const spec = {
    name: 'seeded',
    model,
    dataset: dataset.id,
    parameters: {
      pair: { values: [{ placeholder: 'oktavo', initializer: 'cat' }] },
      max_steps: { values: [2, 4] },
    },
  };
  const prompt = { task: 'text2img', model, prompt: 'a photo of oktavo', count: 1 };
  const [run, sweep] = await Promise.all([runOf(4), api.send('POST', '/v1/sweeps', { json: { spec } })]);
  const [finished] = await Promise.all([
    api.ended(`/v1/runs/${run.id}`),
    api.ended(`/v1/sweeps/${sweep.id}`),
  ]);
  const generation = await api.send('POST', '/v1/generations', { json: prompt });
  await api.ended(`/v1/generations/${generation.id}`);
  // One that lives, for what is done to living ones.
  const living = await runOf(1_000_000);
  const endless = {
    ...spec,
    name: 'endless',
    parameters: { ...spec.parameters, max_steps: { values: [1_000_000] } },
  };
  const livingSweep = await api.send('POST', '/v1/sweeps', { json: { spec: endless } });
  const embedding = `/v1/embeddings/${finished.embedding_id}/file`;
  const files = [await readFile(join(folder, names[0])), await api.file(embedding)];
  const known = {
    datasets: [dataset.id],
    runs: [run.id, living.id],
    sweeps: [sweep.id, livingSweep.id],
    embeddings: [finished.embedding_id],
    generations: [generation.id],
    blobs: images.map(({ hash }) => hash),
    workers: ['worker-0'],
  };
  return { known, files: files.map((file) => file.toString('base64')) };
}
