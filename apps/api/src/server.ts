import { MurnauError, refuseOddText } from '@murnau/domain';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { refuseMalformed } from './http/client-error.js';
import { Followers } from './http/follower.js';
import { Methods } from './http/methods.js';
import { openApi } from './http/openapi.js';
import { toApiError, toProblem } from './http/problem.js';
import { registerRoutes } from './http/register-routes.js';
import type { Route } from './http/route.js';
import { type Credentials, Trust } from './http/security.js';
import { Sessions } from './http/sessions.js';
import { errorPage } from './pages/message-page.js';
import { registerPages } from './pages/page-routes.js';
import { blobRoutes } from './routes/blob-routes.js';
import { wordRoutes } from './routes/check-words.js';
import { datasetRoutes } from './routes/dataset-routes.js';
import { embeddingRoutes } from './routes/embedding-routes.js';
import { eventRoutes, type OpenStreams } from './routes/event-routes.js';
import { generationRoutes } from './routes/generation-routes.js';
import { loginRoutes } from './routes/login-routes.js';
import { modelRoutes } from './routes/model-routes.js';
import { removalRoutes } from './routes/removal-routes.js';
import { runRoutes } from './routes/run-routes.js';
import { sheetRoutes } from './routes/sheet-routes.js';
import { sweepRoutes } from './routes/sweep-routes.js';
import { systemRoutes } from './routes/system-routes.js';
import type { ServerDeps } from './server-deps.js';

/** Pages draw themselves without inline styles or scripts, so none is allowed. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "img-src 'self'",
  "style-src 'self'",
  "script-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** When to try again what found no room. */
const RETRY_AFTER_S = 1;

/** The HTTP API and the pages, not yet listening. */
export async function createServer(deps: ServerDeps): Promise<FastifyInstance> {
  const { identity, log } = deps;
  const isSecure = new URL(identity.galleryUrl).protocol === 'https:';
  const sessions = new Sessions({ store: deps.store, token: identity.token, isSecure });
  const trust = new Trust({ ...identity, sessions });
  const streams: OpenStreams = new Set();
  const followers = new Followers(deps.store);
  // Requests are logged by us: an address may hold a code, and Fastify would log it whole.
  const app = Fastify({
    logger: false,
    frameworkErrors: (error, request, reply) => sendError(error, request, reply, deps),
    clientErrorHandler: refuseMalformed,
    forceCloseConnections: 'idle',
    requestTimeout: 120_000,
    trustProxy: false,
  });

  const methods = new Methods(app);
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'content-security-policy': contentSecurityPolicy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
    });
    const credentials = credentialsOf(request);
    trust.checkSource(credentials);
    if (!isOpen(request)) await trust.checkToken(credentials);
  });
  // Of pages too; queries and bodies are checked where they are parsed.
  app.addHook('preValidation', (request, _reply, done) => {
    refuseOddText(request.params, 'path');
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const { method, routeOptions, id } = request;
    const fields = { request: id, method, route: routeOptions.url, status: reply.statusCode };
    if (reply.statusCode >= 500) log.error(fields, 'answered');
    else log.debug({ ...fields, ms: Math.round(reply.elapsedTime) }, 'answered');
    done();
  });
  app.addHook('preClose', (done) => {
    for (const stream of streams) stream.end();
    done();
  });
  app.setErrorHandler((error, request, reply) => sendError(error, request, reply, deps));
  app.setNotFoundHandler((request, reply) => {
    const path = request.url.split('?')[0] ?? '';
    const allowed = methods.at(path).join(', ');
    if (allowed === '') {
      const error = new MurnauError('route.not_found', `There is nothing at ${request.method} ${path}`);
      return sendError(error, request, reply, deps);
    }
    reply.header('allow', allowed);
    const error = new MurnauError('route.wrong_method', `${path} does not take ${request.method}`, {
      allowed,
    });
    return sendError(error, request, reply, deps);
  });

  const routes = allRoutes(deps, { open: streams, followers, sessions });
  await registerRoutes(app, routes, identity.owner, deps.limits);
  const description = openApi(routes, identity.version);
  app.get('/v1/openapi.json', { config: { isOpen: true } }, () => description);
  registerPages(app, deps, { sessions, followers });
  return app;
}

interface RouteTools {
  readonly open: OpenStreams;
  readonly followers: Followers;
  readonly sessions: Sessions;
}

function allRoutes(deps: ServerDeps, { open, followers, sessions }: RouteTools): Route[] {
  return [
    ...systemRoutes(deps),
    ...loginRoutes(sessions),
    ...blobRoutes(deps),
    ...datasetRoutes(deps),
    ...runRoutes(deps),
    ...sweepRoutes(deps),
    ...sheetRoutes(deps),
    ...embeddingRoutes(deps),
    ...generationRoutes(deps),
    ...removalRoutes(deps),
    ...modelRoutes(deps),
    ...wordRoutes(deps),
    ...eventRoutes({ deps, open, followers }),
  ];
}

const isOpen = ({ routeOptions }: FastifyRequest): boolean =>
  (routeOptions.config as { isOpen?: boolean } | undefined)?.isOpen === true;

function credentialsOf({ method, headers }: FastifyRequest): Credentials {
  const header = (name: string): string | undefined => {
    const value = headers[name];
    return Array.isArray(value) ? value.join(', ') : value;
  };
  return {
    method,
    host: header('host'),
    origin: header('origin'),
    authorization: header('authorization'),
    cookie: header('cookie'),
    fetchSite: header('sec-fetch-site'),
    fetchMode: header('sec-fetch-mode'),
  };
}

/** A person in a browser gets a page; a program gets a problem. */
function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply, deps: ServerDeps): void {
  const known = toApiError(error);
  const problem = toProblem(known, request.id);
  if (known.code === 'internal') deps.log.error({ err: error, request: request.id }, 'failed inside');
  const isPage = !request.url.startsWith('/v1/') && (request.headers.accept ?? '').includes('text/html');
  reply.status(problem.status);
  if (known.code === 'server.busy') reply.header('retry-after', RETRY_AFTER_S);
  if (known.code === 'auth.missing') reply.header('www-authenticate', 'Bearer realm="murnau"');
  if (isPage) {
    const page = errorPage(known, problem.detail, deps.identity.temporalUiUrl);
    reply.type('text/html; charset=utf-8').send(page.toString());
  } else {
    reply.type('application/problem+json; charset=utf-8').send(JSON.stringify(problem));
  }
}
