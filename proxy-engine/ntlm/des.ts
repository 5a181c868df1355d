import { createCipheriv } from 'node:crypto';
import { allowed } from './digest.ts';

const ZERO_VECTOR = Buffer.alloc(8);

/**
 * One block of single DES under a 7-byte key.
 * Neither OpenSSL 3 nor BoringSSL offers single DES; triple DES under three equal keys is the same.
 */
export function encryptBlock(key: Uint8Array, block: Uint8Array): Buffer {
  const expanded = expandKey(key);
  return allowed(() => {
    const key3 = Buffer.concat([expanded, expanded, expanded]);
    const cipher = createCipheriv('des-ede3-cbc', key3, ZERO_VECTOR);
    cipher.setAutoPadding(false);
    return Buffer.concat([cipher.update(block), cipher.final()]);
  });
}

/** DESL, [MS-NLMP] 6: three encryptions of an 8-byte challenge under 16 bytes and five zeros. */
export function encryptChallenge(hash: Uint8Array, challenge: Uint8Array): Buffer {
  const keys = Buffer.alloc(21);
  keys.set(hash.subarray(0, 16));
  return Buffer.concat([0, 7, 14].map((at) => encryptBlock(keys.subarray(at, at + 7), challenge)));
}

/** Spreads 56 bits over 8 bytes and sets each byte's low bit to odd parity. */
export function expandKey(key: Uint8Array): Buffer {
  const bits = Buffer.from(key.subarray(0, 7)).readUIntBE(0, 6);
  const source = (BigInt(bits) << 8n) | BigInt(key[6] ?? 0);
  const expanded = Buffer.alloc(8);
  for (let index = 0; index < 8; index += 1) {
    const seven = Number((source >> BigInt(49 - 7 * index)) & 0x7fn);
    expanded[index] = (seven << 1) | (oddParity(seven) ? 0 : 1);
  }
  return expanded;
}

function oddParity(value: number): boolean {
  let odd = false;
  for (let rest = value; rest !== 0; rest &= rest - 1) odd = !odd;
  return odd;
}
