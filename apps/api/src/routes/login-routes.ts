import { loginSchema } from '@murnau/domain';
import { route, type Route } from '../http/route.js';
import { codeS, type Sessions } from '../http/sessions.js';

export function loginRoutes(sessions: Sessions): Route[] {
  return [
    route({
      method: 'POST',
      path: '/v1/logins',
      summary: 'Make a code that lets one browser in, once: open /login?code=… while it is good',
      tag: 'system',
      answers: { 201: loginSchema },
      handle: () => Promise.resolve({ code: sessions.makeCode(), valid_s: codeS }),
    }),
  ];
}
