import type { Command } from 'commander';
import type { Host } from '../../core/command.js';
import { registerEmbeddingsExport } from './export.js';
import { registerEmbeddingsImport } from './import.js';
import { registerEmbeddingsLs } from './ls.js';

export function register(embeddings: Command, host: Host): void {
  registerEmbeddingsLs(embeddings, host);
  registerEmbeddingsExport(embeddings, host);
  registerEmbeddingsImport(embeddings, host);
}
