import { scrypt } from 'node:crypto';
import { ntHash, ntlmv2Hash } from '#engine/ntlm/hashes.ts';
import { toUpperCase } from '#engine/ntlm/names.ts';
import type { Account, Secrets } from '#engine/protocol.ts';

/** N = 2^14: 16 MB and some 50 ms for a guess, where a bare hash would allow billions a second. */
const COST = { N: 2 ** 14, r: 8, p: 1 };
const LENGTH = 32;

/**
 * Names a credential in hex, so that it is known again and nothing can be learnt from it. The
 * password and its hashes give the same name; another password, user or domain another one.
 *
 * @param salt random, and kept with what is named
 */
export function fingerprint(
  salt: Buffer,
  account: Pick<Account, 'user' | 'domain'>,
  secrets: Secrets,
): Promise<string> {
  const user = toUpperCase(account.user);
  const domain = toUpperCase(account.domain);
  const names = Buffer.from(`${user}\0${domain}\0`, 'utf16le');
  const material = Buffer.concat([names, materialOf(secrets, user, domain)]);
  return new Promise((resolve, reject) => {
    scrypt(material, salt, LENGTH, COST, (error, key) => {
      material.fill(0);
      if (error) reject(error);
      else resolve(key.toString('hex'));
    });
  });
}

/** The NTLMv2 hash wherever there is a way to it: all forms of one password lead there. */
function materialOf(secrets: Secrets, user: string, domain: string): Uint8Array {
  const { password, lm, nt, ntlmv2 } = secrets;
  if (password) return ntlmv2Hash(ntHash(Buffer.from(password).toString('utf8')), user, domain);
  if (nt) return ntlmv2Hash(nt, user, domain);
  return ntlmv2 ?? lm ?? new Uint8Array();
}
