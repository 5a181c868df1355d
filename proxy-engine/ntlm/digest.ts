import { hash } from 'node:crypto';
import { ProxyError } from '../errors.ts';

/** MD5 of the parts joined. Throws `hash-impossible` where a policy forbids it. */
export function md5(...parts: readonly Uint8Array[]): Buffer {
  return allowed(() => hash('md5', Buffer.concat(parts), 'buffer'));
}

const BLOCK = 64;

/**
 * HMAC-MD5 of the parts joined, RFC 2104. Two plain digests: `createHmac` makes a key object for
 * every call, which costs four times as much as the rest. Throws `hash-impossible`.
 */
export function hmacMd5(key: Uint8Array, ...parts: readonly Uint8Array[]): Buffer {
  const short = key.length > BLOCK ? md5(key) : key;
  return md5(padKey(short, 0x5c), md5(padKey(short, 0x36), ...parts));
}

function padKey(key: Uint8Array, pad: number): Buffer {
  const block = Buffer.alloc(BLOCK, pad);
  for (let at = 0; at < key.length; at += 1) block[at] = (key[at] ?? 0) ^ pad;
  return block;
}

/** Runs a primitive that FIPS mode refuses, and says so in words if it does. */
export function allowed<T>(compute: () => T): T {
  try {
    return compute();
  } catch (error) {
    throw new ProxyError(
      'hash-impossible',
      'This computer forbids MD5 or DES (FIPS mode), and NTLM cannot work without them.',
      { cause: error },
    );
  }
}
