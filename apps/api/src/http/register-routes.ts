import { MurnauError, parse } from '@murnau/domain';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { type Limits, RequestPlaces } from './limits.js';
import { isRawBody, type Route } from './route.js';

const noQuery = z.strictObject({});
const noBody = z.strictObject({}).optional();

/** Adds every route, its input checked by its schemas. Who may call is decided before, in an `onRequest` hook. */
export async function registerRoutes(
  app: FastifyInstance,
  routes: readonly Route[],
  owner: string,
  limits: Limits,
): Promise<void> {
  const places = new RequestPlaces(limits);
  const add = (scope: FastifyInstance, route: Route): void => addRoute(scope, route, owner, places);
  const isRaw = (route: Route): boolean => isRawBody(route.body);
  readJson(app);
  for (const route of routes.filter((other) => !isRaw(other))) add(app, route);
  await app.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, parsed) => parsed(null, body));
    for (const route of routes.filter(isRaw)) add(scope, route);
    done();
  });
}

function addRoute(app: FastifyInstance, route: Route, owner: string, places: RequestPlaces): void {
  const { method, path, query = noQuery, body, handle, status, isOpen = false } = route;
  app.route({
    method,
    url: path,
    config: { isOpen },
    // A stream of events has no end that a HEAD could be answered at.
    exposeHeadRoute: !path.endsWith('/events'),
    ...(isRawBody(body) ? { bodyLimit: body.limitBytes } : {}),
    onRequest: (request, reply) => places.take(route, request, reply),
    handler: async (request: FastifyRequest, reply: FastifyReply) => {
      reply.status(status);
      return handle({
        params: request.params as Record<string, string>,
        query: parse(query, request.query, 'query'),
        body: isRawBody(body) ? bytesOf(request.body) : parse(body ?? noBody, request.body, 'request'),
        owner,
        request,
        reply,
      });
    },
  });
}

function bytesOf(body: unknown): Buffer {
  if (Buffer.isBuffer(body) && body.length > 0) return body;
  throw new MurnauError('request.invalid', 'The body must be the file; nothing was sent.', { field: 'body' });
}

/** JSON only, and an empty body is none: forms of other sites cannot be read as anything. */
function readJson(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) done(null, undefined);
    else void parseJson(request, String(body), done);
  });
}
