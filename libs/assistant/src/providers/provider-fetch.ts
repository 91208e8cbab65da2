import { atMost } from '@edgechat/kernel';
import { Agent, fetch as fetchBy, Pool, type Dispatcher } from 'undici';
import { proxiesOf, type Proxy, type ProxySettings } from './proxies.js';
import { CONNECT_TIMEOUT_MS, connectorTo, forwardedBy, tunnelThrough } from './by-proxy.js';

/** No time but the one to connect: how long an answer may take, and pause, is for the reply's deadline alone. (Undici's own limits of 300 s would drop a true answer, and it would be asked and paid for anew.) */
const PATIENT = { headersTimeout: 0, bodyTimeout: 0 };

const CLOSES_WITHIN_MS = 1_000;

/** Connections with providers, kept for the next call, each by its way. */
class Ways {
  private readonly direct = new Agent({ ...PATIENT, connect: { timeout: CONNECT_TIMEOUT_MS } });
  private readonly byProxy = new Map<Proxy, Dispatcher>();
  private readonly proxyFor: (url: URL) => Proxy | null;

  constructor(settings: ProxySettings) {
    this.proxyFor = proxiesOf(settings);
  }

  fetch(url: URL, init: RequestInit): Promise<Response> {
    const proxy = this.proxyFor(url);
    return call(url, init, proxy === null ? this.direct : this.through(proxy));
  }

  /** Lets calls under way end, for a second. */
  async close(): Promise<void> {
    const all = [this.direct, ...this.byProxy.values()];
    await atMost(CLOSES_WITHIN_MS, Promise.all(all.map((dispatcher) => dispatcher.close())));
  }

  private through(proxy: Proxy): Dispatcher {
    const known = this.byProxy.get(proxy);
    if (known !== undefined) return known;
    const made =
      proxy.variable === 'HTTPS_PROXY'
        ? new Agent({ ...PATIENT, connect: tunnelThrough(proxy) })
        : new Pool(proxy.origin, { ...PATIENT, connect: connectorTo(proxy) }).compose(forwardedBy(proxy));
    this.byProxy.set(proxy, made);
    return made;
  }
}

async function call(
  url: URL,
  { method, headers, body, signal }: RequestInit,
  dispatcher: Dispatcher,
): Promise<Response> {
  if (body !== undefined && body !== null && typeof body !== 'string') throw new TypeError('a text is what is sent');
  const response = await fetchBy(url, {
    ...(method !== undefined && { method }),
    headers: [...new Headers(headers)],
    body: body ?? null,
    signal: signal ?? null,
    redirect: 'manual',
    dispatcher,
  });
  return new Response(response.body, {
    status: response.status,
    statusText: response.statusText,
    headers: [...response.headers],
  });
}

/** The process's own. (Module state, as the environment that says it is: who asks a provider does not choose the way.) */
let ways: Ways | null = null;

/** From now on providers are called through these proxies; calls under way go on as they were begun. Called once, at the start; without it there is none. */
export function reachProvidersBy(settings: ProxySettings): void {
  void ways?.close();
  ways = new Ways(settings);
}

/** Closes the connections with providers. A later call opens one anew, without a proxy. */
export async function leaveProviders(): Promise<void> {
  const left = ways;
  ways = null;
  await left?.close();
}

/**
 * `fetch` with a text or nothing as the body, for calls of providers: through the process's proxies, following no redirect, and waiting as long as the signal lets it.
 * @throws TypeError as `fetch` does; its cause is a ProxyFailed where a proxy was of no use
 */
export function providerFetch(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
  if (typeof input !== 'string' && !('href' in input)) return Promise.reject(new TypeError('a URL is what is called'));
  ways ??= new Ways({ noProxy: [] });
  return ways.fetch(new URL(input), init);
}
