import { createHash } from 'node:crypto';
import { blobSchema, imageBlobSchema, MurnauError } from '@murnau/domain';
import type { Blob, ImageBlob } from '@murnau/domain';
import { at, Calls } from './calls.js';

/** What has a contact sheet. */
type SheetOf = 'datasets' | 'runs' | 'sweeps' | 'generations';

/** Stored files. */
export class BlobCalls extends Calls {
  /** @returns whether the server holds a blob of this SHA-256. */
  async hasBlob(hash: string): Promise<boolean> {
    try {
      await this.transport.send({ method: 'HEAD', path: `/v1/blobs/${at(hash)}` });
      return true;
    } catch (error) {
      // An answer to HEAD has no body, so its code is that of the bare status.
      if (error instanceof MurnauError && error.kind.httpStatus === 404) return false;
      throw error;
    }
  }
  /** Checked and oriented by the server: the stored hash may differ from the file's. */
  uploadBlob(
    bytes: Uint8Array,
    mediaType: string,
    name?: string,
    purpose?: 'training' | 'loss_mask',
  ): Promise<Blob> {
    return this.transport.json(blobSchema, {
      method: 'POST',
      path: '/v1/blobs',
      query: { name, purpose },
      bytes,
      contentType: mediaType,
      // The same bytes give the same blob.
      repeatable: true,
    });
  }
  /** A mask of any kind of picture, made black (to be drawn anew) and white by the server. */
  uploadMask(bytes: Uint8Array, mediaType: string, name?: string): Promise<ImageBlob> {
    return this.transport.json(imageBlobSchema, {
      method: 'POST',
      path: '/v1/blobs',
      query: { name, purpose: 'mask' },
      bytes,
      contentType: mediaType,
      repeatable: true,
    });
  }
  /** Uploads unless the server has these very bytes. @returns the stored hash and whether it was sent. */
  async ensureBlob(
    bytes: Uint8Array,
    mediaType: string,
    name?: string,
    purpose?: 'training' | 'loss_mask',
  ): Promise<{ hash: string; sent: boolean }> {
    const hash = createHash('sha256').update(bytes).digest('hex');
    if (await this.hasBlob(hash)) return { hash, sent: false };
    return { hash: (await this.uploadBlob(bytes, mediaType, name, purpose)).hash, sent: true };
  }
  blob(hash: string): Promise<Uint8Array> {
    return this.bytes(`/v1/blobs/${at(hash)}`);
  }
  sheet(of: SheetOf, id: string): Promise<Uint8Array> {
    return this.bytes(`/v1/${of}/${at(id)}/sheet.png`);
  }
}
