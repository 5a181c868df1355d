import { createHash, createHmac } from 'node:crypto';
import { ProxyError } from '../errors.ts';

/** MD5 of the parts joined. Throws `hash-impossible` where a policy forbids it. */
export function md5(...parts: readonly Uint8Array[]): Buffer {
  return allowed(() => {
    const hash = createHash('md5');
    for (const part of parts) hash.update(part);
    return hash.digest();
  });
}

/** HMAC-MD5 of the parts joined. Throws `hash-impossible` where a policy forbids it. */
export function hmacMd5(key: Uint8Array, ...parts: readonly Uint8Array[]): Buffer {
  return allowed(() => {
    const hmac = createHmac('md5', key);
    for (const part of parts) hmac.update(part);
    return hmac.digest();
  });
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
