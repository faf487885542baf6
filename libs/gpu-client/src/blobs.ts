import { PutBlobsRequest } from './gen/murnau/worker/v1/worker.js';
import type { ReadBlob } from './types.js';

const chunkBytes = 1024 * 1024;

async function* chunksOf(hash: string, content: Uint8Array): AsyncGenerator<PutBlobsRequest> {
  let offset = 0;
  do {
    const end = Math.min(offset + chunkBytes, content.byteLength);
    yield { hash, chunk: Buffer.from(content.subarray(offset, end)), last: end === content.byteLength };
    offset = end;
  } while (offset < content.byteLength);
}

/** One blob after another: at most one is in memory. */
export async function* uploads(
  hashes: readonly string[],
  read: ReadBlob,
): AsyncGenerator<PutBlobsRequest, void, undefined> {
  for (const hash of hashes) yield* chunksOf(hash, await read(hash));
}

/** Splits into at most `parts` lists of nearly equal length, none empty. */
export function divide<Item>(items: readonly Item[], parts: number): Item[][] {
  const lists: Item[][] = Array.from({ length: Math.min(parts, items.length) }, () => []);
  items.forEach((item, index) => lists[index % lists.length]?.push(item));
  return lists;
}
