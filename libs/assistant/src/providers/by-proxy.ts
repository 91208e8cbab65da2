import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { types } from 'node:util';
import { buildConnector, DecoratorHandler, type Dispatcher } from 'undici';
import type { Proxy } from './proxies.js';

/** What a proxy or a provider may take to say that it is there. */
export const CONNECT_TIMEOUT_MS = 10_000;

const PROXY_AUTHENTICATION_REQUIRED = 407;

/** Why a proxy was of no use: `HTTPS_PROXY_407`, `HTTP_PROXY_ECONNREFUSED`. It says nothing else of the proxy, and nothing of the one who uses it. */
export class ProxyFailed extends Error {
  readonly code: string;

  constructor({ variable }: Proxy, reason: string) {
    super(`the proxy that ${variable} names did not help: ${reason}`);
    this.name = 'ProxyFailed';
    this.code = `${variable}_${reason}`;
  }
}

/** Connects with a server through a proxy: the proxy is asked for a tunnel (CONNECT), and TLS is spoken with the server through it. */
export function tunnelThrough(proxy: Proxy): buildConnector.connector {
  const toServer = buildConnector({ timeout: CONNECT_TIMEOUT_MS });
  return (options, callback) => {
    const authority = `${options.hostname}:${options.port || (options.protocol === 'https:' ? '443' : '80')}`;
    openTunnel(proxy, authority).then(
      (httpSocket) => toServer({ ...options, httpSocket }, callback),
      (error: unknown) => callback(error instanceof Error ? error : new ProxyFailed(proxy, 'ERROR'), null),
    );
  };
}

/** Connects with the proxy itself, for requests that it is to forward. */
export function connectorTo(proxy: Proxy): buildConnector.connector {
  const connect = buildConnector({ timeout: CONNECT_TIMEOUT_MS });
  return (options, callback) =>
    connect(options, (...[error, socket]) => {
      if (error === null) callback(null, socket);
      else callback(new ProxyFailed(proxy, codeOf(error)), null);
    });
}

/** Asks a proxy to forward: it is told the whole URL (RFC 9112, section 3.2.2), whose server is meant, and who asks. Its own refusal is no answer of the provider's. */
export function forwardedBy(proxy: Proxy): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) => {
    const origin = String(options.origin);
    const headers = {
      ...plainHeaders(options.headers),
      host: new URL(origin).host,
      ...(proxy.authorization && { 'proxy-authorization': proxy.authorization }),
    };
    return dispatch({ ...options, path: `${origin}${options.path}`, headers }, new UnlessRefused(handler, proxy));
  };
}

/** `fetch` hands them on as an object. */
function plainHeaders(headers: Dispatcher.DispatchOptions['headers']): Record<string, string | string[] | undefined> {
  return headers && !Array.isArray(headers) && !(Symbol.iterator in headers) ? headers : {};
}

class UnlessRefused extends DecoratorHandler {
  constructor(
    private readonly handler: Dispatcher.DispatchHandlers,
    private readonly proxy: Proxy,
  ) {
    super(handler);
  }

  onHeaders(...answer: Parameters<NonNullable<Dispatcher.DispatchHandlers['onHeaders']>>): boolean {
    if (answer[0] === PROXY_AUTHENTICATION_REQUIRED) throw new ProxyFailed(this.proxy, String(answer[0]));
    return this.handler.onHeaders?.(...answer) ?? true;
  }
}

/** @throws ProxyFailed, and nothing else */
function openTunnel(proxy: Proxy, authority: string): Promise<Socket> {
  const { protocol, hostname, port } = new URL(proxy.origin);
  return new Promise((resolve, reject) => {
    const asked = (protocol === 'https:' ? httpsRequest : httpRequest)({
      method: 'CONNECT',
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port || (protocol === 'https:' ? 443 : 80),
      path: authority,
      headers: { host: authority, ...(proxy.authorization && { 'proxy-authorization': proxy.authorization }) },
      agent: false,
    });
    const timer = setTimeout(() => asked.destroy(new ProxyFailed(proxy, 'TIMEOUT')), CONNECT_TIMEOUT_MS);
    const refuse = (error: ProxyFailed): void => {
      clearTimeout(timer);
      reject(error);
    };
    asked.once('connect', ({ statusCode = 0 }, socket, head) => {
      if (statusCode < 200 || statusCode >= 300) {
        socket.on('error', () => undefined).destroy();
        return refuse(new ProxyFailed(proxy, String(statusCode)));
      }
      clearTimeout(timer);
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    asked.on('error', (error) => refuse(error instanceof ProxyFailed ? error : new ProxyFailed(proxy, codeOf(error))));
    asked.end();
  });
}

/** The system's or TLS's word for it. Not by `instanceof`: in Jest such errors are of another realm. */
function codeOf(error: unknown): string {
  const code = types.isNativeError(error) && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{0,60}$/.test(code) ? code : 'ERROR';
}
