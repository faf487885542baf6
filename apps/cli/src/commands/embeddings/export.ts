import { Option } from 'commander';
import type { Command } from 'commander';
import { embeddingFormats } from '@murnau/domain';
import type { EmbeddingFormat } from '@murnau/domain';
import { action, leaf } from '../../core/command.js';
import type { Host } from '../../core/command.js';
import { bytes } from '../../output/format.js';

interface Options {
  readonly format?: EmbeddingFormat;
  readonly out?: string;
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
  ])
    .addOption(
      new Option('--format <format>', "file format (default: by the file's name, else safetensors)").choices(
        embeddingFormats,
      ),
    )
    .option('--out <file>', 'file to write (default: PLACEHOLDER-ID.safetensors here)');
  action<Options>(command, host, async (context, [text = ''], options) => {
    const { findEmbedding } = await import('../../spec/embeddings.js');
    const { writeFileTo } = await import('../../output/files.js');
    const client = context.client();
    const embedding = await findEmbedding(client, text);
    const format = options.format ?? (options.out?.endsWith('.bin') === true ? 'bin' : 'safetensors');
    const path = options.out ?? `${embedding.placeholder_token}-${embedding.id}.${format}`;
    const content = await client.embeddingFile(embedding.id, format);
    await writeFileTo(path, content);
    context.say(`Wrote ${embedding.placeholder_token} ${embedding.id} (${bytes(content.length)}).`);
    context.result({ embedding, path, format, size_bytes: content.length }, () => context.io.out.line(path));
  });
}
