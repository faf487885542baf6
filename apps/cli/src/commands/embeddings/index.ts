import type { Command } from 'commander';
import type { Host } from '../../core/command.js';
import { registerRemoval } from '../../core/removal.js';
import { registerEmbeddingsExport } from './export.js';
import { registerEmbeddingsImport } from './import.js';
import { registerEmbeddingsLs } from './ls.js';

export function register(embeddings: Command, host: Host): void {
  registerEmbeddingsLs(embeddings, host);
  registerEmbeddingsExport(embeddings, host);
  registerEmbeddingsImport(embeddings, host);
  registerRemoval(embeddings, host, {
    kind: 'embedding',
    summary: 'remove learnt and imported embeddings',
  });
}
