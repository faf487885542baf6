import { readFile, stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { defaultModel, familyNames, MurnauError, parse, placeholderSchema } from '@murnau/domain';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';

interface Options {
  readonly model: string;
  readonly placeholder?: string;
}

const largestBytes = 4 * 1024 * 1024;

/** A safetensors file starts with the length of its JSON header; a `.bin` is a zip or a bare pickle. */
function isEmbeddingFile(head: Uint8Array): boolean {
  const view = Buffer.from(head);
  const isZip = view.subarray(0, 2).toString('latin1') === 'PK';
  const isPickle = view[0] === 0x80 && (view[1] ?? 0) <= 5;
  const isSafetensors = view.length > 8 && view[8] === 0x7b && view.readBigUInt64LE(0) < BigInt(largestBytes);
  return isZip || isPickle || isSafetensors;
}

async function readEmbedding(path: string): Promise<Uint8Array> {
  const refused = (why: string, cause?: unknown): MurnauError =>
    new MurnauError('embedding.unreadable', `${path} ${why}`, {
      given: path,
      allowed: 'a safetensors file, or the .bin of the reference implementation',
      cause,
    });
  const info = await stat(path).catch((cause: unknown) => {
    throw refused('is not there', cause);
  });
  if (!info.isFile()) throw refused('is not a file');
  if (info.size > largestBytes) throw refused('is larger than 4 MiB, so it is not an embedding');
  const content = await readFile(path);
  if (!isEmbeddingFile(content)) throw refused('is neither safetensors nor a .bin of tensors');
  return content;
}

export function registerEmbeddingsImport(parent: Command, host: Host): void {
  const command = leaf(parent, 'import <file>', 'store an embedding from a safetensors or .bin file', [
    {
      command: `murnau embeddings import 300_epoch_embeds.bin --model ${familyNames[0]}`,
      does: 'prints its id',
    },
  ])
    .option('--model <name>', 'model that it was learnt on', defaultModel)
    .option('--placeholder <word>', "give it another placeholder than the file's");
  action<Options>(command, host, async (context, [path = ''], { model, placeholder }) => {
    if (placeholder !== undefined) parse(placeholderSchema, placeholder, '--placeholder');
    const content = await readEmbedding(path);
    const embedding = await context
      .client()
      .importEmbedding(content, { model, placeholder_token: placeholder });
    context.say(`Imported ${embedding.placeholder_token} for ${embedding.model}.`);
    context.result(embedding, () => context.io.out.line(embedding.id));
  });
}
