import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkDatasetFits, familyTable, MurnauError, nearest, toMurnauError } from '@murnau/domain';
import type { Dataset, DatasetNeeds, PictureFacts } from '@murnau/domain';
import { isTransparent } from '@murnau/images';
import type { Once, RepeatableRequest } from '@murnau/store';
import type { FastifyRequest } from 'fastify';
import type { RouteInput } from '../http/route.js';
import type { ServerDeps } from '../server-deps.js';

/** The caller's `Idempotency-Key`. */
function keyOf(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && /^[\x21-\x7e]{1,200}$/.test(key)) return key;
  throw new MurnauError('request.invalid', 'Idempotency-Key must be 1 to 200 printable ASCII characters', {
    field: 'Idempotency-Key',
    given: String(key).slice(0, 120),
  });
}

type Caller = Pick<RouteInput<unknown, unknown>, 'owner' | 'request'>;

interface Creation<Resource> {
  readonly scope: Exclude<RepeatableRequest['scope'], 'edit'>;
  /** All that the caller gave. */
  readonly asked: unknown;
  readonly get: (id: string) => Promise<Resource>;
  /** Checks what was asked for, and creates it. */
  readonly create: (once: Once) => Promise<Resource>;
}

/**
 * Creates something once for each `Idempotency-Key`. A repetition is answered before anything is checked: what the first
 * was checked against (models, words, the newest embedding) may have changed.
 */
export async function createOnce<Resource>(
  { store }: ServerDeps,
  { owner, request }: Caller,
  { scope, asked, get, create }: Creation<Resource>,
): Promise<Resource> {
  const key = keyOf(request);
  const earlier = await store.answeredWith({ owner, scope, key, request: asked });
  return earlier === undefined ? create({ idempotencyKey: key, request: asked }) : get(earlier);
}

/**
 * Changes something once for each `Idempotency-Key`: a repetition changes nothing and is no conflict, whatever has
 * happened since.
 * @param edit takes the id under which the change is applied once, should the first answer not have been put down
 */
export async function editOnce(
  { store }: ServerDeps,
  { owner, request, params, body }: Caller & Pick<RouteInput<unknown, unknown>, 'params' | 'body'>,
  edit: (updateId: string) => Promise<void>,
): Promise<void> {
  const asked = { path: request.url, body };
  const repeatable = { owner, scope: 'edit', key: keyOf(request), request: asked } as const;
  if ((await store.answeredWith(repeatable)) !== undefined) return;
  await edit(repeatable.key ?? randomUUID());
  await store.noteAnswer(repeatable, params['id'] ?? '');
}

/** A server that has just come up hears from its workers within about a second. */
const FIRST_HEARTBEAT_MS = 5_000;

/**
 * Refuses a model that no worker has said it serves: such a run would wait for ever.
 * A worker that is away may come back, so it counts.
 */
export async function checkModel({ store }: ServerDeps, model: string, field: string): Promise<void> {
  const deadline = Date.now() + FIRST_HEARTBEAT_MS;
  for (;;) {
    const workers = await store.workers.list();
    const served = [...new Set(workers.flatMap(({ models }) => models.map(({ name }) => name)))].sort();
    if (served.includes(model)) return;
    if (served.length > 0 || Date.now() > deadline) throw notServed(model, served, field);
    await sleep(100);
  }
}

function notServed(model: string, served: readonly string[], field: string): MurnauError {
  const near = nearest(model, served);
  const hint = near === undefined ? '' : `; did you mean "${near}"?`;
  return new MurnauError('model.not_served', `No worker serves the model "${model}"${hint}`, {
    field,
    given: model,
    allowed: served.length === 0 ? 'no worker has come up yet' : served.join(', '),
  });
}

/** Refuses a task that no worker's files of the model allow. @param field what chose it */
export async function checkTask(
  { store }: ServerDeps,
  { model, task, field }: { model: string; task: string; field: string },
): Promise<void> {
  const models = (await store.workers.list()).flatMap((worker) => worker.models);
  if (models.some(({ name, tasks }) => name === model && tasks.includes(task))) return;
  const family = familyTable[models.find(({ name }) => name === model)?.family ?? ''];
  const able = [...new Set(models.filter(({ tasks }) => tasks.includes(task)).map(({ name }) => name))];
  const known = [...new Set(models.filter(({ name }) => name === model).flatMap(({ tasks }) => tasks))];
  const why =
    family === undefined || family.tasks.includes(task)
      ? `The files of ${model} do not allow the task ${task}.`
      : `${model} is a ${family.title}, which does ${family.tasks.join(', ')} and no ${task}.`;
  throw new MurnauError('model.task_not_served', why, {
    field,
    given: `${task} by ${model}`,
    allowed:
      able.length > 0
        ? `${task} by ${able.sort().join(', ')}; ${model} does ${known.join(', ')}`
        : `${model} does ${known.join(', ')}; no model that is served does ${task}`,
  });
}

/**
 * Refuses a dataset that lacks the masks or captions that its runs read.
 * @throws `caption.missing`, `mask.missing`
 */
export async function checkDataset(
  { store }: ServerDeps,
  { images }: Dataset,
  needs: DatasetNeeds,
  field: string,
): Promise<void> {
  const facts: PictureFacts[] = [];
  // One by one: each is read whole.
  for (const { name, hash, caption, mask_hash } of images) {
    facts.push({
      name,
      has_caption: caption !== null,
      has_mask: mask_hash !== null,
      is_transparent: needs.transparency && (await isTransparent(await store.blobs.get(hash))),
    });
  }
  checkDatasetFits(needs, facts, field);
}

/** The answer waits this long for the start: usually milliseconds, and with Temporal away nobody gains by more. */
const START_MS = 1_500;

/** Starts what is stored. Should it fail, the reconciler of the orchestrator starts it: the creation stands. */
export async function startStored(
  { log }: ServerDeps,
  what: { kind: string; id: string },
  start: () => Promise<void>,
): Promise<void> {
  const started = start().catch((error: unknown) => {
    const { message } = toMurnauError(error);
    log.warn({ ...what, reason: message }, 'stored but not started yet');
  });
  await Promise.race([started, sleep(START_MS, undefined, { ref: false })]);
}
