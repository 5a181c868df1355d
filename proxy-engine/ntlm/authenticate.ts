import { ProxyError } from '../errors.ts';
import type { Account, Secrets } from '../protocol.ts';
import { layOutAuthenticate } from './authenticate-message.ts';
import { AV, AV_FLAG_MIC, findPair, writePairs } from './av-pairs.ts';
import type { AvPair } from './av-pairs.ts';
import type { Challenge } from './challenge.ts';
import { DIALECTS } from './dialect.ts';
import type { Dialect, HashName } from './dialect.ts';
import { FLAGS, hasFlag, withoutFlags } from './flags.ts';
import { VERSION } from './message.ts';
import {
  challengeResponse,
  lmv2Response,
  ntlm2SessionResponses,
  ntlmv2Response,
  ntlmv2Temp,
} from './responses.ts';
import type { Responses } from './responses.ts';

export interface AuthenticateInput {
  /** The first message, byte for byte as it was sent. */
  readonly negotiate: Buffer;
  readonly challenge: Challenge;
  readonly account: Account;
  readonly secrets: Secrets;
  readonly dialect: Dialect;
  /** `HTTP/host` of the parent. */
  readonly spn?: string;
  /** 16 bytes, for a parent reached over TLS. */
  readonly channelBindings?: Buffer;
  /** 8 random bytes. */
  readonly clientChallenge: Buffer;
  /** FILETIME of 8 bytes, used where the parent gave no time of its own. */
  readonly time: Buffer;
}

/**
 * Writes the AUTHENTICATE_MESSAGE that answers a challenge, [MS-NLMP] 3.1.5.1.2.
 * Throws `credentials-missing` without the dialect's hash, and `parent-scheme` where the parent
 * did not grant what the dialect or the account's name needs.
 */
export function writeAuthenticate(input: AuthenticateInput): Buffer {
  const { negotiate, challenge, account, dialect } = input;
  const { key, ...responses } = respond(input);
  const encode = nameEncoder(challenge.flags);
  return layOutAuthenticate(
    {
      flags: answerFlags(challenge.flags, dialect),
      version: VERSION,
      domain: encode(account.domain),
      user: encode(account.user),
      workstation: encode(account.workstation),
      ...responses,
    },
    key && { key, negotiate, challenge: challenge.raw },
  );
}

/** The responses, and for NTLMv2 with a timestamp the key of the MIC. */
function respond(input: AuthenticateInput): Responses & { readonly key?: Buffer } {
  const { challenge, clientChallenge } = input;
  const none = Buffer.alloc(0);
  const answer = (hash: HashName) =>
    challengeResponse(secret(input, hash), challenge.serverChallenge);
  switch (input.dialect) {
    case 'ntlmv2':
      return respondNtlmv2(input);
    case 'ntlm2sr':
      if (!hasFlag(challenge.flags, FLAGS.EXTENDED_SESSION_SECURITY)) {
        throw new ProxyError(
          'parent-scheme',
          'The parent proxy did not grant extended session security, which NTLM2SR needs.',
        );
      }
      return ntlm2SessionResponses(secret(input, 'nt'), challenge.serverChallenge, clientChallenge);
    case 'nt':
      return { lm: none, nt: answer('nt') };
    case 'ntlm':
      return { lm: answer('lm'), nt: answer('nt') };
    case 'lm':
      return { lm: answer('lm'), nt: none };
  }
}

function respondNtlmv2(input: AuthenticateInput): Responses & { readonly key?: Buffer } {
  const { challenge, clientChallenge } = input;
  const hash = secret(input, 'ntlmv2');
  const time = challenge.timestamp ?? input.time;
  const temp = ntlmv2Temp(time, clientChallenge, writePairs(answerPairs(input)));
  const { nt, sessionKey } = ntlmv2Response(hash, challenge.serverChallenge, temp);
  // [MS-NLMP] 3.1.5.1.2: with a timestamp there is a MIC, and no LMv2 response.
  if (challenge.timestamp) return { lm: Buffer.alloc(24), nt, key: sessionKey };
  return { lm: lmv2Response(hash, challenge.serverChallenge, clientChallenge), nt };
}

/** The parent's pairs unchanged and in order, since it compares them, and ours behind. */
function answerPairs({ challenge, channelBindings, spn }: AuthenticateInput): readonly AvPair[] {
  // A parent without target information knows none of our additions.
  if (challenge.pairs.length === 0) return [];
  const pairs = [...(challenge.timestamp ? withMicFlag(challenge.pairs) : challenge.pairs)];
  if (channelBindings) pairs.push({ id: AV.CHANNEL_BINDINGS, value: channelBindings });
  if (spn) pairs.push({ id: AV.TARGET_NAME, value: Buffer.from(spn, 'utf16le') });
  return pairs;
}

function withMicFlag(pairs: readonly AvPair[]): readonly AvPair[] {
  const value = Buffer.alloc(4);
  const present = findPair(pairs, AV.FLAGS);
  value.writeUInt32LE(((present?.readUInt32LE() ?? 0) | AV_FLAG_MIC) >>> 0);
  if (!present) return [...pairs, { id: AV.FLAGS, value }];
  return pairs.map((pair) => (pair.id === AV.FLAGS ? { id: AV.FLAGS, value } : pair));
}

/** What was granted, less what needs a session key that is never exchanged over HTTP. */
function answerFlags(granted: number, dialect: Dialect): number {
  const kept = withoutFlags(granted, FLAGS.KEY_EXCH | FLAGS.SIGN | FLAGS.SEAL);
  const single = withoutFlags(kept, hasFlag(kept, FLAGS.UNICODE) ? FLAGS.OEM : FLAGS.UNICODE);
  if (DIALECTS[dialect].extendedSessionSecurity) return single;
  return withoutFlags(single, FLAGS.EXTENDED_SESSION_SECURITY);
}

function nameEncoder(flags: number): (name: string) => Buffer {
  if (hasFlag(flags, FLAGS.UNICODE)) return (name) => Buffer.from(name, 'utf16le');
  return (name) => {
    const bytes = Buffer.from(name, 'latin1');
    if (bytes.toString('latin1') === name) return bytes;
    throw new ProxyError(
      'parent-scheme',
      'The parent proxy takes no Unicode, and the account name cannot be written without it.',
    );
  };
}

function secret({ secrets, dialect }: AuthenticateInput, name: HashName): Uint8Array {
  const hash = secrets[name];
  if (hash) return hash;
  throw new ProxyError(
    'credentials-missing',
    `No password is stored for the dialect ${dialect}; please enter it again.`,
  );
}
