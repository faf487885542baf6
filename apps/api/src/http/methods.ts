import type { FastifyInstance } from 'fastify';

/** Which methods there are at which addresses, for the answer to any other. */
export class Methods {
  readonly #routes: { pattern: RegExp; methods: string[] }[] = [];

  /** Every route that is added to the server from now on is known. */
  constructor(app: FastifyInstance) {
    app.addHook('onRoute', ({ method, url }) => {
      const pattern = new RegExp(`^${url.replace(/[.]/g, '\\.').replace(/:\w+/g, '[^/]+')}$`);
      this.#routes.push({ pattern, methods: [method].flat() });
    });
  }

  /** Of an address without its query; empty where there is nothing. */
  at(path: string): string[] {
    const methods = this.#routes.flatMap((route) => (route.pattern.test(path) ? route.methods : []));
    return [...new Set(methods)].sort();
  }
}
