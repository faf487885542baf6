import type { ApiClient } from '@murnau/api-client';
import { generationRequestSchema, parse } from '@murnau/domain';
import type { Generation } from '@murnau/domain';
import type { Context } from '../core/context.js';
import { exitCodes, runExitCode } from '../core/exit-codes.js';
import { submitting } from '../core/submission.js';
import type { Submission } from '../core/submission.js';
import { plural } from '../output/format.js';
import type { Picture } from '../spec/pictures.js';
import type { DrawingOptions } from './drawing-options.js';
import { followGeneration } from './follow-generation.js';
import { saveGeneration } from './save-generation.js';

/** A file that a request starts from. */
interface InputFile {
  readonly path: string;
  /** What named it. */
  readonly flag: string;
  readonly isMask?: boolean;
}

/** A request whose pictures lie in files still. */
export interface Drawing {
  readonly inputs: readonly InputFile[];
  /** @param hashes of the inputs, in their order, once they are uploaded */
  readonly request: (hashes: readonly string[]) => unknown;
}

/** Stands for a hash while everything else is checked. */
const standIn = '0'.repeat(64);

type Options = Pick<DrawingOptions, 'out' | 'embedding'>;

/** Checks everything that can be checked here, uploads, creates, follows and saves. @returns the exit code */
export const makePictures = (context: Context, drawing: Drawing, options: Options): Promise<number> =>
  submitting(context, (submission) => submitAndSave(context, drawing, options, submission));

async function submitAndSave(
  context: Context,
  drawing: Drawing,
  { out, embedding = [] }: Options,
  { send, interrupt }: Submission,
): Promise<number> {
  const what = 'picture request';
  parse(generationRequestSchema, drawing.request(drawing.inputs.map(() => standIn)), what);
  const { pictureAt } = await import('../spec/pictures.js');
  const files = [];
  for (const input of drawing.inputs)
    files.push({ ...input, picture: await pictureAt(input.path, input.flag) });
  const client = context.client();
  const hashes: string[] = [];
  for (const { picture, isMask } of files) hashes.push(await upload(client, picture, isMask === true));
  const request = parse(generationRequestSchema, drawing.request(hashes), what);
  const ids = await embeddingIds(client, embedding);
  const started = await send(() =>
    client.createGeneration({ ...request, ...(ids.length > 0 && { embedding_ids: ids }) }),
  );
  const generation = await followGeneration(context, started, out, interrupt);
  if (generation === undefined) {
    await client.cancelGeneration(started.id).catch(() => {});
    context.say(`Interrupted: generation ${started.id} is cancelled.`);
    return exitCodes.interrupted;
  }
  if (generation.phase !== 'finished') return ended(context, generation);
  const saved = await saveGeneration(context, generation, out);
  context.say(
    `${plural(generation.images.length, 'picture')} of generation ${generation.id}, contact sheet last:`,
  );
  context.result({ ...generation, ...saved }, () => {
    for (const path of [...saved.files, saved.contact_sheet]) context.io.out.line(path);
  });
  return exitCodes.done;
}

async function upload(client: ApiClient, picture: Picture, isMask: boolean): Promise<string> {
  const { readPicture } = await import('../spec/pictures.js');
  const content = await readPicture(picture);
  const stored = isMask
    ? await client.uploadMask(content, picture.mediaType, picture.name)
    : await client.ensureBlob(content, picture.mediaType, picture.name);
  return stored.hash;
}

async function embeddingIds(client: ApiClient, given: readonly string[]): Promise<string[]> {
  const { findEmbedding } = await import('../spec/embeddings.js');
  const ids: string[] = [];
  for (const text of given) ids.push((await findEmbedding(client, text)).id);
  return ids;
}

function ended(context: Context, generation: Generation): number {
  const { failure, phase } = generation;
  context.result(generation, () => {});
  context.say(
    failure === null
      ? `Generation ${generation.id} was ${phase}.`
      : `Generation ${generation.id} failed: ${failure.message}\n  code     ${failure.code}\n  next     ${failure.next_step}`,
  );
  return runExitCode(phase);
}
