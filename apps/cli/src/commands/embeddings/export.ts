import { join } from 'node:path';
import { Option } from 'commander';
import type { Command } from 'commander';
import { embeddingFormats, familyTable } from '@murnau/domain';
import type { Embedding, EmbeddingFormat } from '@murnau/domain';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { bytes } from '../../output/format.js';

const ofFamilies = Object.values(familyTable).flatMap((family) => family.embedding_formats);
/** Those of one tower are written together: a folder of files, one for each pipeline of diffusers. */
const alone = ofFamilies.filter(({ pipeline }) => pipeline === null).map(({ name }) => name);
const formats = ['safetensors', ...new Set(alone), 'diffusers'];
const isFormat = (name: string): name is EmbeddingFormat => embeddingFormats.some((known) => known === name);

interface Options {
  readonly format?: string;
  readonly out?: string;
}

/** The files of a format, by the path that was asked for: for diffusers a folder with one for each text encoder. */
function filesOf(
  format: string,
  { placeholder_token, id }: Embedding,
  out: string | undefined,
): readonly (readonly [path: string, EmbeddingFormat])[] {
  const name = `${placeholder_token}-${id}`;
  if (format !== 'diffusers') return isFormat(format) ? [[out ?? `${name}.${format}`, format]] : [];
  const folder = out ?? `${name}-diffusers`;
  return ofFamilies.flatMap(({ name: fileFormat, pipeline }) =>
    pipeline === null || !isFormat(fileFormat)
      ? []
      : [[join(folder, `${pipeline}.safetensors`), fileFormat] as const],
  );
}

export function registerEmbeddingsExport(parent: Command, host: Host): void {
  const command = leaf(parent, 'export <id-or-placeholder>', 'write an embedding to a file', [
    {
      command: 'murnau embeddings export lumicar --out lumicar.safetensors',
      does: 'the newest one of that word',
    },
    {
      command: 'murnau embeddings export 5f0c11aa --format bin',
      does: "in the reference implementation's format",
    },
    {
      command: 'murnau embeddings export lumicar --format diffusers --out lumicar',
      does: 'a folder of two files, for the text encoders of its pipelines: see docs/diffusers.md',
    },
  ])
    .addOption(
      new Option('--format <format>', "file format (default: by the file's name, else safetensors)").choices(
        formats,
      ),
    )
    .option(
      '--out <path>',
      'file to write, for diffusers a folder (default: PLACEHOLDER-ID.safetensors here)',
    );
  action<Options>(command, host, async (context, [text = ''], options) => {
    const { findEmbedding } = await import('../../spec/embeddings.js');
    const { writeFileTo } = await import('../../output/files.js');
    const client = context.client();
    const embedding = await findEmbedding(client, text);
    const format = options.format ?? (options.out?.endsWith('.bin') === true ? 'bin' : 'safetensors');
    const files = filesOf(format, embedding, options.out);
    const contents = await Promise.all(
      files.map(([, fileFormat]) => client.embeddingFile(embedding.id, fileFormat)),
    );
    for (const [index, [path]] of files.entries())
      await writeFileTo(path, contents[index] ?? new Uint8Array());
    const sizeBytes = contents.reduce((sum, { length }) => sum + length, 0);
    context.say(`Wrote ${embedding.placeholder_token} ${embedding.id} (${bytes(sizeBytes)}).`);
    const paths = files.map(([path]) => path);
    context.result({ embedding, path: paths[0], paths, format, size_bytes: sizeBytes }, () => {
      for (const path of paths) context.io.out.line(path);
    });
  });
}
