import { isIP, isIPv4 } from 'node:net';
import type { FastifyRequest } from 'fastify';

export interface ClientAddress {
  /** The address itself, an IPv4-mapped one as IPv4. */
  readonly ip: string;
  /** What limits count on: the IPv4 address, or the /64 of an IPv6 one, since one customer has at least a /64. */
  readonly key: string;
}

/** The address a request comes from: the socket's, or what a proxy of `TRUSTED_PROXIES` says in `X-Forwarded-For`. The only place that says so. */
export function clientAddress(request: Pick<FastifyRequest, 'ip' | 'socket'>): ClientAddress {
  const claimed = withoutZone(withoutPort(request.ip));
  return foldAddress(isIP(claimed) === 0 ? withoutZone(request.socket.remoteAddress ?? '') : claimed);
}

/** Whom a request counts on: the account of its access token, else the address it comes from. */
export function callerKey(request: Pick<FastifyRequest, 'caller' | 'ip' | 'socket'>): string {
  const accountId = request.caller?.accountId;
  return accountId === undefined ? `address:${clientAddress(request).key}` : `account:${accountId}`;
}

/** Folds an address as text. What is no address (a socket that is already gone) is one key of its own. */
export function foldAddress(address: string): ClientAddress {
  if (isIPv4(address)) return { ip: address, key: address };
  const groups = isIP(address) === 6 ? ipv6Groups(address) : null;
  if (groups === null) return { ip: 'unknown', key: 'unknown' };
  const mapped = mappedIpv4(groups);
  return mapped === null
    ? {
        ip: address,
        key: `${groups
          .slice(0, 4)
          .map((group) => group.toString(16))
          .join(':')}::/64`,
      }
    : { ip: mapped, key: mapped };
}

/** The eight numbers of a valid IPv6 address. */
function ipv6Groups(address: string): readonly number[] {
  const [head = '', tail] = address.split('::');
  const before = groupsOf(head);
  if (tail === undefined) return before;
  const after = groupsOf(tail);
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
}

function groupsOf(part: string): readonly number[] {
  if (part === '') return [];
  return part.split(':').flatMap((group) => (isIPv4(group) ? ipv4Groups(group) : [Number.parseInt(group, 16)]));
}

function ipv4Groups(address: string): readonly number[] {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
  return [a * 256 + b, c * 256 + d];
}

function mappedIpv4(groups: readonly number[]): string | null {
  const [, , , , , marker, high = 0, low = 0] = groups;
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && marker === 0xffff;
  return isMapped ? [high >> 8, high & 255, low >> 8, low & 255].join('.') : null;
}

/** Some proxies name the client's port as well: `192.0.2.1:5678`, `[2001:db8::1]:5678`. */
const withoutPort = (address: string): string =>
  /^\[([0-9a-f:.%]+)\](?::\d+)?$/i.exec(address)?.[1] ?? /^([0-9.]+):\d+$/.exec(address)?.[1] ?? address;

const withoutZone = (address: string): string => address.split('%', 1).join('');
