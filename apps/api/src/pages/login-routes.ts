import { MurnauError } from '@murnau/domain';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Sessions } from '../http/sessions.js';
import type { ServerDeps } from '../server-deps.js';
import type { Html } from './html.js';
import { loggedOutPage, loginPage } from './message-page.js';

/** How a browser comes in, and how it goes out again. */
export function registerLogin(app: FastifyInstance, deps: ServerDeps, sessions: Sessions): void {
  // A HEAD must not use a code up.
  const isOnlyGet = { exposeHeadRoute: false, config: { isOpen: true } };
  app.get('/login', isOnlyGet, (request, reply) => logIn(request, reply, sessions));
  void app.register((scope, _options, done) => {
    // A form without fields has a content type, and no body.
    scope.addContentTypeParser('application/x-www-form-urlencoded', (_request, payload, parsed) => {
      payload.resume();
      parsed(null, undefined);
    });
    scope.post('/logout', { config: { isOpen: true } }, async (request, reply) => {
      reply.header('set-cookie', await sessions.end(request.headers.cookie));
      // Pictures are kept by the browser for a year.
      reply.header('clear-site-data', '"cache"');
      return send(reply, loggedOutPage(deps.identity.temporalUiUrl));
    });
    done();
  });
}

async function logIn(
  request: FastifyRequest,
  reply: FastifyReply,
  sessions: Sessions,
): Promise<FastifyReply> {
  const { code, to } = request.query as { code?: unknown; to?: unknown };
  const cookie = typeof code === 'string' ? await sessions.begin(code) : undefined;
  if (cookie !== undefined) reply.header('set-cookie', cookie);
  // A browser that is in may follow an old link.
  else if (!(await sessions.isOpen(request.headers.cookie))) {
    throw new MurnauError('auth.missing', 'The code in this address was used before, or is too old.', {
      field: 'code',
    });
  }
  // A path of our own and nothing else: the address may come from anywhere.
  const target = typeof to === 'string' && /^\/(?:[\w-]+\/?)*$/.test(to) ? to : '/';
  return send(reply, loginPage(target));
}

const send = (reply: FastifyReply, page: Html): FastifyReply =>
  reply.header('cache-control', 'no-store').type('text/html; charset=utf-8').send(page.toString());
