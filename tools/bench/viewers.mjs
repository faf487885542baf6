// Viewers of a sweep: twenty who each ask for every list and page once in three seconds, their streams, and
// `murnau sweep watch`. What there is to ask for is read from the server's own description and its table of pages.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../bootstrap/root.mjs';
import { pagePaths } from '../../apps/api/dist/pages/page-routes.js';

const viewers = 20;
const spanMs = 3_000;
const rounds = 5;
const sheetRepeats = 5;

/** @param api its `url` and `token` */
export const headersOf = ({ token }) => ({ authorization: `Bearer ${token}` });

async function json(api, path) {
  const answer = await fetch(`${api.url}${path}`, { headers: headersOf(api) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

/** What may be read, streams apart. */
async function paths(api) {
  const { paths: described } = await json(api, '/v1/openapi.json');
  const read = Object.keys(described).filter((path) => described[path].get && !path.endsWith('/events'));
  return [...read, ...pagePaths.map((path) => path.replace(/:(\w+)/g, '{$1}'))];
}

/** The noun that an address is of. */
const nounOf = (path) => path.split('/')[path.startsWith('/v1/') ? 2 : 1];

/** Addresses of a sweep, of its best trial, and of the newest of everything else; what there is none of is left out. */
export async function addressesOf(api, sweepId) {
  const [best] = (await json(api, `/v1/sweeps/${sweepId}/trials?limit=1`)).items;
  const ids = { sweeps: sweepId, runs: best.id };
  const addresses = [];
  for (const path of await paths(api)) {
    const noun = nounOf(path);
    if (path.includes('{') && !(noun in ids)) {
      const { items } = await json(api, `/v1/${noun}?limit=1`).catch(() => ({ items: [] }));
      ids[noun] = items[0]?.id ?? items[0]?.name;
    }
    if (path.includes('{') && ids[noun] === undefined) continue;
    addresses.push({ path, url: path.replace(/\{\w+\}/, ids[noun]) });
  }
  return addresses;
}

/** What one address has answered. */
class Answers {
  kind = 'other';
  bytes = 0;
  times = [];

  /** @returns whether it is there */
  async ask(api, url) {
    const begin = performance.now();
    const answer = await fetch(`${api.url}${url}`, { headers: { ...headersOf(api), accept: '*/*' } });
    const body = await answer.arrayBuffer();
    this.times.push(performance.now() - begin);
    if (answer.status === 404) return false;
    if (!answer.ok) throw new Error(`${url}: ${answer.status} ${Buffer.from(body)}`);
    this.bytes = Math.max(this.bytes, body.byteLength);
    this.kind = kindOf(answer.headers.get('content-type'), body);
    return true;
  }
}

function kindOf(type, body) {
  if (type.startsWith('image/')) return 'sheet';
  if (type.startsWith('text/html')) return 'page';
  if (!type.includes('json')) return 'other';
  return Array.isArray(JSON.parse(Buffer.from(body)).items) ? 'list' : 'other';
}

/**
 * Asks the same of several sweeps, in turns: what else the machine does meanwhile, it does to all of them.
 * @param sides each an `api` and a `sweepId`
 * @returns for each side its answers by path: sheets by one viewer, one after the other; all else by twenty at once
 */
export async function look(sides) {
  const asked = await Promise.all(sides.map(askOnce));
  const common = Object.keys(asked[0]).filter((path) => asked.every((one) => path in one));
  const [sheets, others] = [true, false].map((wanted) =>
    common.filter((path) => path.endsWith('.png') === wanted),
  );
  const answers = sides.map(() => Object.fromEntries(common.map((path) => [path, new Answers()])));
  const ask = async (path) => {
    for (const [index, { api }] of sides.entries()) await answers[index][path].ask(api, asked[index][path]);
  };
  for (let round = 0; round < rounds; round += 1) await askAll(others, ask);
  for (const path of sheets) {
    for (let repeat = 0; repeat < sheetRepeats; repeat += 1) await ask(path);
  }
  return answers;
}

/**
 * The first answers come from a program that has just begun; what has no picture has no sheet.
 * @returns addresses by path
 */
async function askOnce({ api, sweepId }) {
  const urls = {};
  for (const { path, url } of await addressesOf(api, sweepId)) {
    if (await new Answers().ask(api, url)) urls[path] = url;
  }
  return urls;
}

async function askAll(paths, ask) {
  const begin = performance.now();
  const viewer = async (_, place) => {
    for (const [index, path] of paths.entries()) {
      const due = begin + (spanMs * (index + place / viewers)) / paths.length;
      await sleep(Math.max(0, due - performance.now()));
      await ask(path);
    }
  };
  await Promise.all(Array.from({ length: viewers }, viewer));
  await sleep(Math.max(0, begin + spanMs - performance.now()));
}

/** Opens the streams that twenty open pages hold. @returns how many came to their end, once all are over */
export function openStreams(api, sweepId) {
  const stream = async () => {
    const url = `${api.url}/v1/sweeps/${sweepId}/events?after=now`;
    const { body } = await fetch(url, { headers: headersOf(api) });
    let tail = '';
    for await (const piece of body) tail = (tail + Buffer.from(piece)).slice(-200);
    return tail.includes('event: end') ? 1 : 0;
  };
  return Promise.all(Array.from({ length: viewers }, () => stream().catch(() => 0))).then((ends) =>
    ends.reduce((sum, end) => sum + end, 0),
  );
}

/** `murnau sweep watch` with every message read. @returns its exit code and how many trials it saw end */
export function watch(api, sweepId, home) {
  const args = [join(root, 'apps/cli/dist/main.js'), 'sweep', 'watch', sweepId, '--json'];
  const env = { ...process.env, MURNAU_HOME: home, MURNAU_SERVER: api.url, MURNAU_TOKEN: api.token };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Set();
  createInterface(child.stdout).on('line', (line) => {
    const { kind, event } = JSON.parse(line);
    if (kind === 'event' && event.run_id !== null && isEnd(event)) ended.add(event.run_id);
  });
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ code, ended: ended.size }));
  });
}

const isEnd = ({ kind, data }) =>
  kind === 'finished' || (kind === 'phase' && ['failed', 'cancelled'].includes(data.phase));

/** Shorter times are mostly noise. */
const shortestMs = 5;
const percentile = (values, share) => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
};
const rounded = (value) => Number(value.toFixed(1));

/** @param looks answers about a sweep of a hundred trials and about the large one, by what that does meanwhile */
export function figuresOf(looks) {
  const median = ({ times }) => percentile(times, 0.5);
  const pairs = Object.values(looks).flatMap(([small, large]) =>
    Object.keys(small).map((path) => ({ path, small: small[path], large: large[path] })),
  );
  const of = (kind) => pairs.filter(({ large }) => large.kind === kind).map(({ large }) => large);
  const largest = (answers) => rounded(Math.max(0, ...answers.map(median)));
  const [worst] = pairs
    .map(({ path, small, large }) => ({
      path,
      ratio: Math.max(shortestMs, median(large)) / Math.max(shortestMs, median(small)),
    }))
    .sort((one, other) => other.ratio - one.ratio);
  return {
    worst_ratio: rounded(worst.ratio),
    worst_address: worst.path,
    list_p95_ms: rounded(
      percentile(
        of('list').flatMap(({ times }) => times),
        0.95,
      ),
    ),
    page_ms: largest(of('page')),
    sheet_ms: largest(of('sheet')),
    largest_answer_bytes: Math.max(...pairs.map(({ large }) => large.bytes)),
    addresses: Object.fromEntries(
      Object.keys(Object.values(looks)[0][0]).map((path) => {
        const answers = Object.values(looks).flatMap((sides) => sides.map((one) => one[path]));
        return [
          path,
          {
            kind: answers[0].kind,
            ms: answers.map((one) => one && rounded(median(one))),
            bytes: answers.map((one) => one?.bytes),
          },
        ];
      }),
    ),
  };
}
