import { expect, test } from 'vitest';
import { bytes, checkedNames, compare, group, groupNames, text } from '../testing/vectors.ts';
import type { Checks } from '../testing/vectors.ts';
import { layOutAuthenticate } from './authenticate-message.ts';
import { readPairs, writePairs } from './av-pairs.ts';
import { readChallenge } from './challenge.ts';
import { encryptBlock, expandKey } from './des.ts';
import { hmacMd5, md5 } from './digest.ts';
import { lmHash, ntHash, ntlmv2Hash } from './hashes.ts';
import { md4 } from './md4.ts';
import {
  challengeResponse,
  lmv2Response,
  ntlm2SessionResponses,
  ntlmv2Response,
  ntlmv2Temp,
} from './responses.ts';

const common = group('common');
const serverChallenge = bytes(common, 'serverChallenge');
const clientChallenge = bytes(common, 'clientChallenge');
const nt = ntHash(text(common, 'password'));
const lm = lmHash(text(common, 'password'));
const ntlmv2 = ntlmv2Hash(nt, text(common, 'user'), text(common, 'domain'));
const utf16 = (value: string) => Buffer.from(value, 'utf16le');

/** Lays a message out again from its own fields, to compare every byte but the responses. */
function layOutAgain(message: Buffer, responses: { lm: Buffer; nt: Buffer; sessionKey?: Buffer }) {
  return layOutAuthenticate({
    flags: message.readUInt32LE(60),
    version: message.subarray(64, 72),
    domain: utf16(text(common, 'domain')),
    user: utf16(text(common, 'user')),
    workstation: utf16(text(common, 'workstation')),
    ...responses,
  });
}

/** A challenge's bytes, once it was read and gave what 4.2.1 says. */
function readAgain(message: Buffer): Buffer {
  const challenge = readChallenge(message);
  expect(challenge.serverChallenge).toEqual(serverChallenge);
  expect(challenge.targetName).toBe(text(common, 'server'));
  return challenge.raw;
}

const v1 = group('v1 (4.2.2)');
const v1Checks: Checks = {
  LMOWFv1: () => lm,
  NTOWFv1: () => nt,
  SessionBaseKey: () => md4(nt),
  NtChallengeResponse: () => challengeResponse(nt, serverChallenge),
  LmChallengeResponse: () => challengeResponse(lm, serverChallenge),
  LmChallengeResponse_NoLMResponseNTLMv1: () => challengeResponse(nt, serverChallenge),
  // [MS-NLMP] 3.4.5.1: DES of the response's first half, under the hash filled up with 0xbd.
  KeyExchangeKey_LM_KEY: () => {
    const block = challengeResponse(lm, serverChallenge).subarray(0, 8);
    const second = Buffer.concat([lm.subarray(7, 8), Buffer.alloc(6, 0xbd)]);
    return Buffer.concat([encryptBlock(lm.subarray(0, 7), block), encryptBlock(second, block)]);
  },
  CHALLENGE_MESSAGE: readAgain,
  AUTHENTICATE_MESSAGE: (expected) =>
    layOutAgain(expected, {
      lm: challengeResponse(lm, serverChallenge),
      nt: challengeResponse(nt, serverChallenge),
      sessionKey: bytes(v1, 'EncryptedSessionKey'),
    }),
};

const session = group('v1 with client challenge');
const sessionResponses = ntlm2SessionResponses(nt, serverChallenge, clientChallenge);
const sessionChecks: Checks = {
  'sessionHash = MD5(serverChallenge+clientChallenge)[0..7]': () =>
    md5(serverChallenge, clientChallenge).subarray(0, 8),
  LmChallengeResponse: () => sessionResponses.lm,
  NtChallengeResponse: () => sessionResponses.nt,
  SessionBaseKey: () => md4(nt),
  KeyExchangeKey: () => hmacMd5(md4(nt), serverChallenge, clientChallenge),
  CHALLENGE_MESSAGE: readAgain,
  AUTHENTICATE_MESSAGE: (expected) => layOutAgain(expected, sessionResponses),
};

const v2 = group('v2 (4.2.4)');
const v2Temp = ntlmv2Temp(bytes(common, 'time'), clientChallenge, bytes(v2, 'targetInfo'));
const v2Response = ntlmv2Response(ntlmv2, serverChallenge, v2Temp);
const v2Checks: Checks = {
  targetInfo: (expected) => writePairs(readPairs(expected) ?? []),
  'NTOWFv2 = LMOWFv2': () => ntlmv2,
  temp: () => v2Temp,
  NTProofStr: () => v2Response.nt.subarray(0, 16),
  SessionBaseKey: () => v2Response.sessionKey,
  LMv2Response: () => lmv2Response(ntlmv2, serverChallenge, clientChallenge),
  CHALLENGE_MESSAGE: readAgain,
  AUTHENTICATE_MESSAGE: (expected) =>
    layOutAgain(expected, {
      lm: lmv2Response(ntlmv2, serverChallenge, clientChallenge),
      nt: v2Response.nt,
      sessionKey: bytes(v2, 'EncryptedSessionKey'),
    }),
};

const primitives = group('primitives');
const ascii = (name: string) => Buffer.from(/"([^"]*)"/.exec(name)?.[1] ?? '', 'latin1');

/** Single DES under an 8-byte key: the seven bits that count of each byte. */
function des(name: string): Buffer {
  const [key = '', block = ''] = name.match(/[0-9a-f]{16}/g) ?? [];
  const bits = [...Buffer.from(key, 'hex')].map((byte) => BigInt(byte >>> 1));
  const packed = bits.reduce((all, seven) => (all << 7n) | seven, 0n);
  const seven = Buffer.from(packed.toString(16).padStart(14, '0'), 'hex');
  return encryptBlock(seven, Buffer.from(block, 'hex'));
}

const primitiveChecks: Checks = Object.fromEntries(
  checkedNames(primitives).map((name) => {
    if (name.startsWith('md4')) return [name, () => md4(ascii(name))];
    if (name.startsWith('des-ecb')) return [name, () => des(name)];
    if (name.startsWith('des7')) {
      return [name, () => encryptBlock(ascii(name), Buffer.from('KGS!@#$%'))];
    }
    return [name, () => expandKey(ascii(name))];
  }),
);

const SPECIFICATION = [
  { entries: primitives, checks: primitiveChecks },
  { entries: v1, checks: v1Checks },
  { entries: session, checks: sessionChecks },
  { entries: v2, checks: v2Checks },
].flatMap(({ entries, checks }) =>
  checkedNames(entries).map((name) => ({ entries, checks, name })),
);

/** Nothing is signed or sealed over HTTP, so no session key is ever exchanged. */
const NOT_OURS: Readonly<Record<string, string>> = {
  EncryptedSessionKey: 'an exchanged key, made with RC4',
  EncryptedSessionKey_NON_NT_SESSION_KEY: 'an exchanged key, made with RC4',
  EncryptedSessionKey_LM_KEY: 'an exchanged key, made with RC4',
  ClientSignKey: 'a key for signing application data',
  'ClientSealKey(56 bit)': 'a key for sealing application data',
  'ClientSealKey(128)': 'a key for sealing application data',
  negotiateFlags: 'flags of the example, which ask for signing and sealing',
};

test.for(SPECIFICATION)('computes $name as published', ({ entries, checks, name }) => {
  const sides = compare(entries, name, checks, NOT_OURS);
  expect(sides?.actual).toEqual(sides?.expected);
});

test('every reason for not computing an entry belongs to one', () => {
  const names = SPECIFICATION.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(Object.keys(NOT_OURS)));
});

test('every group of the file has its tests', () => {
  expect(groupNames().map((name) => name.split(' ')[0])).toEqual([
    '_about',
    'common',
    'primitives',
    'v1', // 4.2.2
    'v1', // 4.2.3
    'v2',
    'chromium', // vectors-captured.test.ts
    'windows7->2008R2',
    'davenport',
    'live', // vectors-live.test.ts
    'cntlm', // hashes.test.ts
    'password',
    'LM',
    'NTOWFv2',
    'channel', // channel-bindings.test.ts
    'challenge', // challenge.test.ts
    'malformed',
  ]);
});
