/** A network, and how many times as much as one address it may. */
export interface Network {
  readonly key: string;
  readonly factor: number;
}

/** The key of an IPv6 address is its /64, as four groups. */
const KEY_OF_IPV6 = /^([0-9a-f]{1,4}):([0-9a-f]{1,4}):([0-9a-f]{1,4}):([0-9a-f]{1,4})::\/64$/;

/**
 * The networks that an address is in, itself first. One customer has a /64 of IPv6 at least, but many have a /56, and a company or whoever asks for it a /48:
 * what is limited for one address is limited for these, too, by a larger number, since they may be many customers as well. An IPv4 address stands alone.
 * @param addressKey what limits count on
 */
export function networksOf(addressKey: string): readonly Network[] {
  const [, a = '', b = '', c = '', d = ''] = KEY_OF_IPV6.exec(addressKey) ?? [];
  const own = { key: addressKey, factor: 1 };
  if (d === '') return [own];

  const of56 = (Number.parseInt(d, 16) & 0xff00).toString(16);
  return [own, { key: `${a}:${b}:${c}:${of56}::/56`, factor: 4 }, { key: `${a}:${b}:${c}::/48`, factor: 16 }];
}
