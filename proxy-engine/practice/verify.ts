import { encryptChallenge } from '../ntlm/des.ts';
import { hmacMd5, md5 } from '../ntlm/digest.ts';
import { lmHash, ntHash, ntlmv2Hash } from '../ntlm/hashes.ts';
import type { Dialect } from '../protocol.ts';
import { readList } from './authenticate-reader.ts';
import type { AuthenticateMessage } from './authenticate-reader.ts';
import type { PracticeUser } from './users.ts';

/** Both messages before the answer, as they went over the wire. */
export interface Exchange {
  readonly negotiate: Buffer;
  readonly challenge: Buffer;
}

const EXTENDED_SESSION_SECURITY = 0x80000;
const KEY_EXCHANGE = 0x40000000;
const MIC_FLAG = 2;

/** The dialect a Type 3 was written in, judged by its shape as a server does. */
export function dialectOf({ lm, nt, flags }: AuthenticateMessage): Dialect {
  if (nt.length > 24) return 'ntlmv2';
  if (nt.length === 0) return 'lm';
  if ((flags & EXTENDED_SESSION_SECURITY) !== 0 && lm.length === 24) return 'ntlm2sr';
  return lm.length === 0 || lm.equals(nt) ? 'nt' : 'ntlm';
}

/** Whether the responses were made with the user's password, recomputed from it. */
export function provesPassword(
  message: AuthenticateMessage,
  { challenge }: Exchange,
  { password }: PracticeUser,
): boolean {
  const { lm, nt } = message;
  const serverChallenge = challenge.subarray(24, 32);
  const hash = ntHash(password);
  const singleNt = () => nt.equals(encryptChallenge(hash, serverChallenge));
  const singleLm = () => lm.length === 24 && lm.equals(lmResponse(password, serverChallenge));
  switch (dialectOf(message)) {
    case 'ntlmv2': {
      const ntlmv2 = ntlmv2Hash(hash, message.user, message.domain);
      return hmacMd5(ntlmv2, serverChallenge, nt.subarray(16)).equals(nt.subarray(0, 16));
    }
    case 'ntlm2sr': {
      const session = md5(serverChallenge, lm.subarray(0, 8)).subarray(0, 8);
      return nt.equals(encryptChallenge(hash, session));
    }
    case 'nt':
      return singleNt();
    case 'ntlm':
      return singleNt() && singleLm();
    case 'lm':
      return singleLm();
  }
}

/** Whether the message announces a session key and does not bring one; Samba refuses that. */
export function lacksKey({ flags, sessionKey }: AuthenticateMessage): boolean {
  return (flags & KEY_EXCHANGE) !== 0 && sessionKey.length !== 16;
}

/**
 * Whether a message with the right password also keeps to what a strict server checks besides:
 * the server's own pairs unchanged and in order, and a MIC that holds.
 */
export function isWellFormed(
  message: AuthenticateMessage,
  exchange: Exchange,
  { password }: PracticeUser,
): boolean {
  if (!message.pairs) return true;
  if (!repeatsPairs(message.pairs, exchange.challenge)) return false;
  return holdsMic(message, exchange, password);
}

/** Whether the message says that it carries a message integrity code. */
export function carriesMic({ pairs }: AuthenticateMessage): boolean {
  const flags = pairs?.find(({ id }) => id === 6)?.value;
  return flags?.length === 4 && (flags.readUInt32LE() & MIC_FLAG) !== 0;
}

function repeatsPairs(
  pairs: NonNullable<AuthenticateMessage['pairs']>,
  challenge: Buffer,
): boolean {
  const offset = challenge.readUInt32LE(44);
  const list = challenge.subarray(offset, offset + challenge.readUInt16LE(40));
  const sent = list.length === 0 ? [] : (readList(list) ?? []);
  return sent.every(({ id, value }, index) => {
    const back = pairs[index];
    // The flags are the one pair a client may add to.
    return back?.id === id && (id === 6 || back.value.equals(value));
  });
}

function holdsMic(message: AuthenticateMessage, exchange: Exchange, password: string): boolean {
  if (!carriesMic(message)) return true;
  const { raw, nt, user, domain } = message;
  if (raw.length < 88) return false;
  const ntlmv2 = ntlmv2Hash(ntHash(password), user, domain);
  const key = hmacMd5(ntlmv2, nt.subarray(0, 16));
  const zeroed = Buffer.from(raw);
  zeroed.fill(0, 72, 88);
  const { negotiate, challenge } = exchange;
  return hmacMd5(key, negotiate, challenge, zeroed).equals(raw.subarray(72, 88));
}

/** A password without an LM hash is proven by nothing. */
function lmResponse(password: string, serverChallenge: Buffer): Buffer {
  try {
    return encryptChallenge(lmHash(password), serverChallenge);
  } catch {
    return Buffer.alloc(0);
  }
}
