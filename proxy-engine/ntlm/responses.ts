import { encryptChallenge } from './des.ts';
import { hmacMd5, md5 } from './digest.ts';

const EPOCH_OFFSET = 11_644_473_600_000n;

/** The two fields that answer a challenge; one of them may be empty. */
export interface Responses {
  readonly lm: Buffer;
  readonly nt: Buffer;
}

/** LM or NT response, [MS-NLMP] 3.3.1: 24 bytes. */
export function challengeResponse(hash: Uint8Array, serverChallenge: Uint8Array): Buffer {
  return encryptChallenge(hash, serverChallenge);
}

/** NTLM2 session response, [MS-NLMP] 3.3.1 with extended session security. */
export function ntlm2SessionResponses(
  nt: Uint8Array,
  serverChallenge: Uint8Array,
  clientChallenge: Uint8Array,
): Responses {
  const sessionHash = md5(serverChallenge, clientChallenge).subarray(0, 8);
  return {
    lm: Buffer.concat([clientChallenge, Buffer.alloc(16)]),
    nt: encryptChallenge(nt, sessionHash),
  };
}

/** LMv2 response, [MS-NLMP] 3.3.2: 24 bytes. */
export function lmv2Response(
  ntlmv2: Uint8Array,
  serverChallenge: Uint8Array,
  clientChallenge: Uint8Array,
): Buffer {
  return Buffer.concat([hmacMd5(ntlmv2, serverChallenge, clientChallenge), clientChallenge]);
}

/**
 * `temp` of [MS-NLMP] 3.3.2; `targetInfo` ends with its end mark.
 *
 *      0    1    2      8      16                 24     28            n     n+4
 *     | 01 | 01 | zero | time | client challenge | zero | target info | zero |
 */
export function ntlmv2Temp(
  time: Uint8Array,
  clientChallenge: Uint8Array,
  targetInfo: Uint8Array,
): Buffer {
  const head = Buffer.alloc(8);
  head.set([1, 1]);
  const gap = Buffer.alloc(4);
  return Buffer.concat([head, time, clientChallenge, gap, targetInfo, gap]);
}

/** NTLMv2 response, [MS-NLMP] 3.3.2, and the SessionBaseKey that belongs to it. */
export function ntlmv2Response(
  ntlmv2: Uint8Array,
  serverChallenge: Uint8Array,
  temp: Uint8Array,
): { readonly nt: Buffer; readonly sessionKey: Buffer } {
  const proof = hmacMd5(ntlmv2, serverChallenge, temp);
  return { nt: Buffer.concat([proof, temp]), sessionKey: hmacMd5(ntlmv2, proof) };
}

/** Milliseconds since 1970 as a FILETIME: 8 bytes, 100 ns since 1601. */
export function toFileTime(milliseconds: number): Buffer {
  const time = Buffer.alloc(8);
  time.writeBigUInt64LE((BigInt(Math.trunc(milliseconds)) + EPOCH_OFFSET) * 10_000n);
  return time;
}
