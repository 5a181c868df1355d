import { ProxyError } from '../errors.ts';
import type { Account, Secrets } from '../protocol.ts';
import { encryptBlock } from './des.ts';
import { DIALECTS } from './dialect.ts';
import type { Dialect } from './dialect.ts';
import { hmacMd5 } from './digest.ts';
import { md4 } from './md4.ts';
import { toUpperCase } from './names.ts';

const LM_CONSTANT = Buffer.from('KGS!@#$%', 'latin1');
const MAX_LM_PASSWORD = 14;

/** LMOWFv1, [MS-NLMP] 3.3.1. Throws `hash-impossible` for a password that has no LM hash. */
export function lmHash(password: string): Buffer {
  if (password.length > MAX_LM_PASSWORD) {
    throw new ProxyError(
      'hash-impossible',
      'A password of more than 14 characters has no LM hash; choose a stronger dialect.',
    );
  }
  // Beyond ASCII the bytes depend on the code page of the domain controller: not to be guessed.
  if (!/^\p{ASCII}*$/u.test(password)) {
    throw new ProxyError(
      'hash-impossible',
      'A password with letters outside ASCII has no certain LM hash; choose a stronger dialect.',
    );
  }
  const padded = Buffer.alloc(MAX_LM_PASSWORD);
  padded.write(password.toUpperCase(), 'latin1');
  const halves = [padded.subarray(0, 7), padded.subarray(7)];
  const hash = Buffer.concat(halves.map((half) => encryptBlock(half, LM_CONSTANT)));
  padded.fill(0);
  return hash;
}

/** NTOWFv1, [MS-NLMP] 3.3.1: the password as typed, never normalised. */
export function ntHash(password: string): Buffer {
  const bytes = Buffer.from(password, 'utf16le');
  const hash = md4(bytes);
  bytes.fill(0);
  return hash;
}

/** NTOWFv2, [MS-NLMP] 3.3.2: the user in upper case, the domain exactly as it is sent. */
export function ntlmv2Hash(nt: Uint8Array, user: string, domain: string): Buffer {
  return hmacMd5(nt, Buffer.from(toUpperCase(user) + domain, 'utf16le'));
}

/** The hashes a dialect needs and no other. Throws `hash-impossible`. */
export function hashesFor(
  dialect: Dialect,
  account: Pick<Account, 'user' | 'domain'>,
  password: string,
): Secrets {
  const { needs } = DIALECTS[dialect];
  const nt = ntHash(password);
  const secrets = {
    ...(needs.includes('lm') && { lm: lmHash(password) }),
    ...(needs.includes('nt') && { nt }),
    ...(needs.includes('ntlmv2') && { ntlmv2: ntlmv2Hash(nt, account.user, account.domain) }),
  };
  if (!needs.includes('nt')) nt.fill(0);
  return secrets;
}
