import { BlockList, isIP } from 'node:net';

/** The proxies on the way to providers, as HTTPS_PROXY, HTTP_PROXY and NO_PROXY say; URLs that were found to be whole. */
export interface ProxySettings {
  readonly httpsProxy?: string | undefined;
  readonly httpProxy?: string | undefined;
  readonly noProxy: readonly string[];
}

/** A proxy. What it wants to know of us is a header's value, and nowhere else. */
export interface Proxy {
  /** The variable that names it. */
  readonly variable: 'HTTPS_PROXY' | 'HTTP_PROXY';
  readonly origin: string;
  readonly authorization: string | null;
}

/**
 * Says through which proxy a URL is called; null: through none. As curl does it: one proxy for `https://` and one for `http://`; whoever stands in NO_PROXY is called
 * without, and nobody else, be it on this machine.
 */
export function proxiesOf({ httpsProxy, httpProxy, noProxy }: ProxySettings): (url: URL) => Proxy | null {
  const proxies = new Map([
    ['https:', proxyOf('HTTPS_PROXY', httpsProxy)],
    ['http:', proxyOf('HTTP_PROXY', httpProxy)],
  ]);
  const isExempt = exemptions(noProxy);
  return (url) => {
    const proxy = proxies.get(url.protocol) ?? null;
    return proxy === null || isExempt(url) ? null : proxy;
  };
}

function proxyOf(variable: Proxy['variable'], text: string | undefined): Proxy | null {
  if (!text) return null;
  const { origin, username, password } = new URL(text);
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { variable, origin, authorization: user === ':' ? null : `Basic ${Buffer.from(user).toString('base64')}` };
}

type Exemption = (host: string, port: number) => boolean;

/**
 * Whether a URL's server stands in the list: a name means itself and all names below it, with or without a dot or `*.` before it; an address or a CIDR range means
 * addresses; `:port` behind either only that port; `*` everybody. What is none of these means nobody.
 */
function exemptions(entries: readonly string[]): (url: URL) => boolean {
  const all = entries.map(exemption);
  return (url) => {
    const host = withoutDot(url.hostname.replace(/^\[|\]$/g, '').toLowerCase());
    const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
    return all.some((isMeant) => isMeant(host, port));
  };
}

function exemption(entry: string): Exemption {
  if (entry === '*') return () => true;
  // `[::1]:8080`, `[::1]`, `host:8080`; an IPv6 address without brackets has no port.
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(entry) ?? [];
  const isHost = hostTest(withoutDot((bracketed ?? plain ?? entry).toLowerCase()));
  return (host, ofUrl) => (port === undefined || Number(port) === ofUrl) && isHost(host);
}

function hostTest(entry: string): (host: string) => boolean {
  const range = rangeOf(entry);
  if (range !== null) return (host) => isIP(host) !== 0 && range.check(host, familyOf(host));
  const name = entry.replace(/^\*?\./, '');
  return (host) => isIP(host) === 0 && name !== '' && (host === name || host.endsWith(`.${name}`));
}

function rangeOf(entry: string): BlockList | null {
  const [address = '', prefix, ...rest] = entry.split('/');
  if (isIP(address) === 0 || rest.length > 0) return null;
  const range = new BlockList();
  if (prefix === undefined) range.addAddress(address, familyOf(address));
  else if (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (isIP(address) === 4 ? 32 : 128))
    range.addSubnet(address, Number(prefix), familyOf(address));
  return range;
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 4 ? 'ipv4' : 'ipv6');

const withoutDot = (name: string): string => name.replace(/\.$/, '');
