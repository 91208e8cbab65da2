import { randomFillSync } from 'node:crypto';

let pool = Buffer.alloc(0);
let used = 0;

/** A new UUIDv7. */
export function newId() {
  if (used + 16 > pool.length) {
    pool = randomFillSync(Buffer.alloc(4_096));
    used = 0;
  }
  const bytes = pool.subarray(used, used + 16);
  used += 16;
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
