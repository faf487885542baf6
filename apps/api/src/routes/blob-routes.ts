import { blobSchema, imageBlobSchema, MurnauError } from '@murnau/domain';
import { ingest, ingestLossMask, ingestMask, ingestTrainingPicture } from '@murnau/images';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { byteRange } from '../http/byte-range.js';
import { route, type Route } from '../http/route.js';
import { Renditions } from '../pictures/renditions.js';
import type { ServerDeps } from '../server-deps.js';

const MOST_BYTES = 64 * 1024 * 1024;
const bytes = 'application/octet-stream';
const uploadQuery = z.strictObject({
  /** The file's name, for messages. */
  name: z.string().min(1).max(255).default('the picture'),
  /**
   * `mask`: what is dark or transparent is to be drawn anew; stored as black and white. `training`: a picture to learn
   * from, which keeps its transparency. `loss_mask`: white is what a run's loss looks at; stored in grey levels.
   */
  purpose: z.enum(['picture', 'mask', 'training', 'loss_mask']).default('picture'),
});
const downloadQuery = z.strictObject({
  width: z.coerce.number().int().min(1).max(4096).optional(),
  format: z.enum(['webp', 'avif', 'png']).optional(),
});
/** Shown by a browser; anything else is only ever downloaded. */
const shownTypes = new Set(['image/png', 'image/jpeg', 'image/webp', 'image/avif']);

const ingestFor = {
  picture: ingest,
  mask: ingestMask,
  training: ingestTrainingPicture,
  loss_mask: ingestLossMask,
} as const;

export function blobRoutes(deps: ServerDeps): Route[] {
  const { store } = deps;
  const renditions = new Renditions(deps.renditionDir, deps.limits.renditionBytes);
  return [
    route<z.output<typeof uploadQuery>, Buffer>({
      method: 'POST',
      path: '/v1/blobs',
      summary: 'Upload a file; a picture is checked and turned upright, a mask made black and white',
      tag: 'blobs',
      query: uploadQuery,
      body: { raw: true, limitBytes: MOST_BYTES, mediaTypes: ['image/*', bytes] },
      answers: { 201: z.union([imageBlobSchema, blobSchema]) },
      handle: async ({ query: { name, purpose }, body, request }) => {
        const isPicture = request.headers['content-type']?.startsWith('image/') === true;
        if (purpose === 'picture' && !isPicture) return store.blobs.put(body, bytes);
        const { content, media_type, width, height } = await ingestFor[purpose](body, { name });
        return { ...(await store.blobs.put(content, media_type)), width, height };
      },
    }),
    route({
      method: 'GET',
      path: '/v1/blobs/:hash',
      summary: 'A stored file, or a picture resized (never enlarged)',
      tag: 'blobs',
      query: downloadQuery,
      answers: {
        200: { mediaTypes: [...shownTypes, bytes], description: 'The bytes; immutable' },
        206: { mediaTypes: [...shownTypes, bytes], description: 'The part that `Range` asks for' },
        304: { mediaTypes: [], description: 'What `If-None-Match` names' },
        416: { mediaTypes: [], description: 'There is nothing where `Range` begins' },
      },
      handle: async ({ params: { hash = '' }, query, request, reply }) => {
        const { media_type, size_bytes } = await store.blobs.describe(hash);
        const isRendition = query.width !== undefined || query.format !== undefined;
        if (isRendition && !shownTypes.has(media_type)) {
          throw new MurnauError('request.invalid', `${hash} is no picture and cannot be resized`, {
            field: 'width',
            given: media_type,
          });
        }
        const format = query.format ?? 'webp';
        const variant = isRendition ? `-${query.width ?? 'full'}-${format}` : '';
        const etag = `"${hash}${variant}"`;
        describe(reply, etag, isRendition ? `image/${format}` : media_type);
        if (request.headers['if-none-match']?.includes(etag) === true) return reply.status(304).send();
        if (isRendition)
          return renditions.get(hash, { width: query.width, format }, () => store.blobs.get(hash));
        return sendRange(deps, { hash, sizeBytes: size_bytes, etag }, request, reply);
      },
    }),
  ];
}

function describe(reply: FastifyReply, etag: string, mediaType: string): void {
  reply.header('etag', etag);
  // Private: it was given to the holder of a token.
  reply.header('cache-control', 'private, max-age=31536000, immutable');
  reply.header('content-type', mediaType);
  // Bytes that anyone may have uploaded: nothing in them ever runs here.
  reply.header('content-security-policy', "default-src 'none'; sandbox");
  if (!shownTypes.has(mediaType)) reply.header('content-disposition', 'attachment');
}

async function sendRange(
  { store }: ServerDeps,
  { hash, sizeBytes, etag }: { hash: string; sizeBytes: number; etag: string },
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  reply.header('accept-ranges', 'bytes');
  const ifRange = request.headers['if-range'];
  const range =
    ifRange === undefined || ifRange === etag ? byteRange(request.headers.range, sizeBytes) : 'whole';
  if (range === 'unsatisfiable') {
    return reply
      .status(416)
      .header('content-range', `bytes */${sizeBytes}`)
      .removeHeader('content-type')
      .send();
  }
  if (range === 'whole') {
    reply.header('content-length', sizeBytes);
    return store.blobs.stream(hash);
  }
  reply.status(206);
  reply.header('content-length', range.end - range.start + 1);
  reply.header('content-range', `bytes ${range.start}-${range.end}/${sizeBytes}`);
  return store.blobs.stream(hash, range);
}
