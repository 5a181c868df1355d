import { expect, test } from 'vitest';
import { bytes, child, list, text } from '../testing/vectors.ts';
import type { JsonObject } from '../testing/vectors.ts';
import { layOutAuthenticate } from './authenticate-message.ts';
import { writeAuthenticate } from './authenticate.ts';
import { AV, writePairs } from './av-pairs.ts';
import { readChallenge } from './challenge.ts';
import { DIALECTS } from './dialect.ts';
import type { Dialect } from './dialect.ts';
import { hashesFor, ntHash, ntlmv2Hash } from './hashes.ts';
import { VERSION, readField } from './message.ts';
import { lmv2Response, ntlmv2Response, ntlmv2Temp } from './responses.ts';

const HANDSHAKES = list('live handshakes').map((handshake) => ({
  handshake,
  name: text(handshake, 'name'),
}));

/** What a handshake was made of, in our terms. */
function read(handshake: JsonObject) {
  const dialect = text(handshake, 'dialect');
  const options = child(handshake, 'options');
  const account = {
    user: text(handshake, 'user'),
    domain: text(handshake, 'domain'),
    workstation: text(handshake, 'workstation'),
  };
  const recorded = bytes(handshake, 'NtChallengeResponse');
  if (!isDialect(dialect)) throw new Error(`unknown dialect ${dialect}`);
  return {
    negotiate: bytes(handshake, 'NEGOTIATE_MESSAGE'),
    challenge: readChallenge(bytes(handshake, 'CHALLENGE_MESSAGE')),
    account,
    password: text(handshake, 'password'),
    secrets: hashesFor(dialect, account, text(handshake, 'password')),
    dialect,
    clientChallenge: bytes(handshake, 'clientChallenge'),
    // Where the server gave no time, the client's own is in its response.
    time: dialect === 'ntlmv2' ? recorded.subarray(24, 32) : Buffer.alloc(8),
    ...('spn' in options && { spn: text(options, 'spn') }),
    ...('cbt' in options && { channelBindings: bytes(options, 'cbt') }),
    withoutMic: options['mic'] === false,
    withLmv2: options['lmv2'] === true,
  };
}

function isDialect(name: string): name is Dialect {
  return name in DIALECTS;
}

/** As we would never send it: flags unchanged, no MIC in spite of a timestamp, or another order. */
function writeLikeOthers(handshake: JsonObject): Buffer {
  const input = read(handshake);
  const { challenge, account, dialect } = input;
  const ours = writeAuthenticate(input);
  const single: ReturnType<typeof respondLikeOthers> = {
    lm: readField(ours, 12) ?? Buffer.alloc(0),
    nt: readField(ours, 20) ?? Buffer.alloc(0),
  };
  const { lm, nt, key } = dialect === 'ntlmv2' ? respondLikeOthers(handshake) : single;
  return layOutAuthenticate(
    {
      flags: challenge.flags,
      version: VERSION,
      domain: Buffer.from(account.domain, 'utf16le'),
      user: Buffer.from(account.user, 'utf16le'),
      workstation: Buffer.from(account.workstation, 'utf16le'),
      lm,
      nt,
    },
    key && { key, negotiate: input.negotiate, challenge: challenge.raw },
  );
}

function respondLikeOthers(handshake: JsonObject): { lm: Buffer; nt: Buffer; key?: Buffer } {
  const input = read(handshake);
  const { challenge, account, clientChallenge, withoutMic } = input;
  const { serverChallenge, pairs } = challenge;
  const hash = ntlmv2Hash(ntHash(input.password), account.user, account.domain);
  const additions = [
    { id: AV.FLAGS, value: Buffer.from([2, 0, 0, 0]) },
    { id: AV.TARGET_NAME, value: Buffer.from(input.spn ?? '', 'utf16le') },
    { id: AV.CHANNEL_BINDINGS, value: input.channelBindings ?? Buffer.alloc(0) },
  ];
  const list = writePairs(withoutMic ? pairs : [...pairs, ...additions]);
  const temp = ntlmv2Temp(input.time, clientChallenge, list);
  const { nt, sessionKey } = ntlmv2Response(hash, serverChallenge, temp);
  const lmv2 = lmv2Response(hash, serverChallenge, clientChallenge);
  const lm = input.withLmv2 ? lmv2 : Buffer.alloc(24);
  return { lm, nt, ...(!withoutMic && { key: sessionKey }) };
}

test.for(HANDSHAKES)('reads the challenge of "$name"', ({ handshake }) => {
  const { challenge } = read(handshake);
  expect(challenge.flags).toBe(Number(text(handshake, 'challengeFlags')));
});

/** We always send a MIC where there is a timestamp, and bindings only for TLS, in Windows' order. */
function isOurWay({ withoutMic, channelBindings }: ReturnType<typeof read>): boolean {
  return !withoutMic && channelBindings === undefined;
}

const ours = HANDSHAKES.filter(
  ({ handshake }) => handshake['accepted'] === true && isOurWay(read(handshake)),
);
const others = HANDSHAKES.filter((handshake) => !ours.includes(handshake));

test('the handshakes are those recorded', () => {
  expect(HANDSHAKES).toHaveLength(16);
  expect(others).toHaveLength(4);
});

test.for(ours)('answers "$name" byte for byte as the server accepted it', ({ handshake }) => {
  const message = writeAuthenticate(read(handshake));
  expect(message).toEqual(bytes(handshake, 'AUTHENTICATE_MESSAGE'));
  expect(readField(message, 12)).toEqual(bytes(handshake, 'LmChallengeResponse'));
  expect(readField(message, 20)).toEqual(bytes(handshake, 'NtChallengeResponse'));
});

test.for(others)('understands every byte of "$name"', ({ handshake }) => {
  expect(writeLikeOthers(handshake)).toEqual(bytes(handshake, 'AUTHENTICATE_MESSAGE'));
});

test.for(others.filter(({ handshake }) => handshake['accepted'] === false))(
  'never sends the flags of "$name"',
  ({ handshake }) => {
    const flags = writeAuthenticate(read(handshake)).readUInt32LE(60);
    const { challenge, dialect } = read(handshake);
    expect(flags).not.toBe(challenge.flags);
    expect((flags & 0x40000000) >>> 0).toBe(0);
    if (dialect === 'ntlm') expect((flags & 0x00080000) >>> 0).toBe(0);
  },
);
