import type { FastifyInstance } from 'fastify';

/** Which methods each path has: what a 405 and an answer to OPTIONS name. Filled while the routes are registered. */
export class RouteTable {
  private readonly routes: { readonly parts: readonly string[]; readonly method: string }[] = [];

  /** Listens to the registration of routes; call it before there are any. */
  static of(fastify: FastifyInstance): RouteTable {
    const table = new RouteTable();
    fastify.addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) table.add(one, url);
    });
    return table;
  }

  add(method: string, pattern: string): void {
    this.routes.push({ method, parts: pattern.split('/') });
  }

  /** The methods of a path, sorted, HEAD with each GET; empty when there is no such path. */
  methodsOf(path: string): readonly string[] {
    const parts = path.split('/');
    const methods = new Set(this.routes.filter((route) => matches(route.parts, parts)).map((route) => route.method));
    if (methods.has('GET')) methods.add('HEAD');
    if (methods.size > 0) methods.add('OPTIONS');
    return [...methods].sort();
  }
}

/** `:name` stands for one part that is not empty, `*` for all the rest. */
function matches(pattern: readonly string[], path: readonly string[]): boolean {
  const isOpen = pattern.at(-1) === '*';
  if (isOpen ? path.length < pattern.length : path.length !== pattern.length) return false;
  return pattern.every((part, i) => part === '*' || part === path[i] || (part.startsWith(':') && path[i] !== ''));
}
