import type { FastifyReply, FastifyRequest } from 'fastify';
import { Places } from './places.js';
import { isRawBody, type Route } from './route.js';

/** What one process takes on. */
export interface Limits {
  /** Bytes of files that are being uploaded. */
  uploadBytes: number;
  /** Contact sheets and strips that are being drawn. */
  sheets: number;
  /** Streams of events that are open. */
  streams: number;
  /** Bytes of resized pictures on disk. */
  renditionBytes: number;
  /** Pixels × steps × pictures of one generation. */
  pixelSteps: number;
}

const MIB = 1024 * 1024;

export const defaultLimits: Limits = {
  uploadBytes: 256 * MIB,
  sheets: 2,
  streams: 256,
  renditionBytes: 1024 * MIB,
  pixelSteps: 20e9,
};

/** Uploads that are taken at once: each counts as this part of the bytes at least, since it is decoded. */
const MOST_UPLOADS = 32;
const MOST_UPLOADS_WAITING = 512;
const MOST_SHEETS_WAITING = 32;
/** After this time a sheet's place is given back although its client has not taken it all. */
const LONGEST_SHEET_MS = 60_000;

/** Holds the places of requests until each is answered. */
export class RequestPlaces {
  readonly #limits: Limits;
  readonly #uploads: Places;
  readonly #sheets: Places;
  readonly #streams: Places;

  constructor(limits: Limits) {
    this.#limits = limits;
    this.#uploads = new Places({
      what: 'uploads',
      units: limits.uploadBytes,
      mostWaiting: MOST_UPLOADS_WAITING,
    });
    this.#sheets = new Places({
      what: 'contact sheets',
      units: limits.sheets,
      mostWaiting: MOST_SHEETS_WAITING,
    });
    // A stream does not end by itself: another would wait for ever.
    this.#streams = new Places({ what: 'streams of events', units: limits.streams, mostWaiting: 0 });
  }

  /** Before the body is read. @throws MurnauError `server.busy` */
  async take({ body, takes }: Route, { headers }: FastifyRequest, { raw }: FastifyReply): Promise<void> {
    if (takes === undefined && !isRawBody(body)) return;
    const giveBack = isRawBody(body)
      ? await this.#uploads.take(this.#bytesOf(headers['content-length'], body.limitBytes))
      : await (takes === 'stream' ? this.#streams : this.#sheets).take();
    if (takes === 'sheet') setTimeout(giveBack, LONGEST_SHEET_MS).unref();
    raw.once('finish', giveBack);
    raw.once('close', giveBack);
    // It went while it waited.
    if (raw.destroyed) giveBack();
  }

  #bytesOf(contentLength: string | undefined, limitBytes: number): number {
    const said = Number(contentLength ?? limitBytes);
    const bytes = Number.isFinite(said) ? Math.min(said, limitBytes) : limitBytes;
    return Math.max(bytes, Math.ceil(this.#limits.uploadBytes / MOST_UPLOADS));
  }
}
