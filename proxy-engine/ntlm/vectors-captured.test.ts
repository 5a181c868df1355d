import { expect, test } from 'vitest';
import { bytes, checkedNames, child, children, compare, group, text } from '../testing/vectors.ts';
import type { Checks } from '../testing/vectors.ts';
import { integrityCode, layOutAuthenticate } from './authenticate-message.ts';
import { readPairs, writePairs } from './av-pairs.ts';
import { readChallenge } from './challenge.ts';
import { md5 } from './digest.ts';
import { lmHash, ntHash, ntlmv2Hash } from './hashes.ts';
import { readField } from './message.ts';
import { writeNegotiate } from './negotiate.ts';
import {
  challengeResponse,
  lmv2Response,
  ntlm2SessionResponses,
  ntlmv2Response,
  ntlmv2Temp,
  toFileTime,
} from './responses.ts';

const utf16 = (value: string) => Buffer.from(value, 'utf16le');
const micFlag = { id: 6, value: Buffer.from([2, 0, 0, 0]) };

const common = group('common');
const commonChallenge = bytes(common, 'serverChallenge');
const commonHash = ntlmv2Hash(ntHash('Password'), 'User', 'Domain');

// Chromium's own tests: a client that always sends a MIC, and additions without target info.
const chromium = group('chromium');
const chromiumOwn = [
  micFlag,
  { id: 10, value: bytes(chromium, 'channelBindingsHash') },
  { id: 9, value: utf16('HTTP/Server') },
];
const chromiumPairs = [...(readPairs(bytes(group('v2'), 'targetInfo')) ?? []), ...chromiumOwn];
const chromiumAnswer = (pairs: typeof chromiumPairs) =>
  ntlmv2Response(
    commonHash,
    commonChallenge,
    ntlmv2Temp(
      toFileTime(Date.UTC(2017, 4, 23, 20, 13, 7)),
      bytes(common, 'clientChallenge'),
      writePairs(pairs),
    ),
  );
const chromiumResponse = chromiumAnswer(chromiumPairs);
const chromiumBare = chromiumAnswer(chromiumOwn);
const chromiumMessage = bytes(chromium, 'AUTHENTICATE_MESSAGE');

/** Its message for a challenge without target info: the other one with the shorter response. */
function chromiumBareMessage(): Buffer {
  const head = Buffer.from(chromiumMessage.subarray(0, 112));
  const { nt } = chromiumBare;
  head.writeUInt16LE(nt.length, 20);
  head.writeUInt16LE(nt.length, 22);
  for (const at of [28, 36, 44, 52]) {
    if (head.readUInt32LE(at + 4) < 112) continue;
    head.writeUInt32LE(
      head.readUInt32LE(at + 4) - (chromiumResponse.nt.length - nt.length),
      at + 4,
    );
  }
  return Buffer.concat([head, nt, chromiumMessage.subarray(112 + chromiumResponse.nt.length)]);
}

const chromiumChecks: Checks = {
  'channelBindings.application_data': (expected) =>
    Buffer.concat([Buffer.from('tls-server-end-point:'), expected.subarray(21)]),
  channelBindingsHash: () => {
    const data = bytes(chromium, 'channelBindings.application_data');
    return md5(Buffer.alloc(16), Buffer.from([data.length, 0, 0, 0]), data);
  },
  updatedTargetInfo: () => writePairs(chromiumPairs),
  NTProofStr: () => chromiumResponse.nt.subarray(0, 16),
  SessionBaseKey: () => chromiumResponse.sessionKey,
  MIC: () =>
    integrityCode(
      {
        key: chromiumResponse.sessionKey,
        negotiate: bytes(chromium, 'NEGOTIATE_MESSAGE'),
        challenge: bytes(group('v2'), 'CHALLENGE_MESSAGE'),
      },
      chromiumMessage,
    ),
  // Its payload has another order than ours, so the responses are compared where they stand.
  AUTHENTICATE_MESSAGE: (expected) => {
    expect(readField(expected, 20)).toEqual(chromiumResponse.nt);
    expect(readField(expected, 12)).toEqual(Buffer.alloc(24));
    return expected;
  },
  NTProofStr_when_challenge_has_no_TargetInfo: () => chromiumBare.nt.subarray(0, 16),
  MIC_when_challenge_has_no_TargetInfo: () =>
    integrityCode(
      {
        key: chromiumBare.sessionKey,
        negotiate: bytes(chromium, 'NEGOTIATE_MESSAGE'),
        challenge: bytes(group('v1 with'), 'CHALLENGE_MESSAGE'),
      },
      chromiumBareMessage(),
    ),
};

// A Windows 7 client at a Windows 2008 R2 domain controller.
const windows = group('windows7');
const windowsChallenge = readChallenge(bytes(windows, 'CHALLENGE_MESSAGE'));
const windowsMessage = bytes(windows, 'AUTHENTICATE_MESSAGE');
const windowsPairs = children(child(windows, 'avPairs'), 'value').map((pair) => ({
  id: Number(pair['id']),
  value: bytes(pair, 'hex'),
}));
const windowsHash = ntlmv2Hash(
  ntHash(text(windows, 'password')),
  text(windows, 'user'),
  text(windows, 'domain'),
);
const windowsResponse = ntlmv2Response(
  windowsHash,
  windowsChallenge.serverChallenge,
  Buffer.concat([
    ntlmv2Temp(
      windowsChallenge.timestamp ?? Buffer.alloc(0),
      (readField(windowsMessage, 20) ?? Buffer.alloc(0)).subarray(32, 40),
      writePairs(windowsPairs),
    ),
    Buffer.alloc(4),
  ]),
);
const windowsIntegrity = {
  key: windowsResponse.sessionKey,
  negotiate: bytes(windows, 'NEGOTIATE_MESSAGE'),
  challenge: windowsChallenge.raw,
};
const windowsChecks: Checks = {
  NTOWFv1: () => ntHash(text(windows, 'password')),
  CHALLENGE_MESSAGE: () => windowsChallenge.raw,
  AUTHENTICATE_MESSAGE: (expected) =>
    layOutAuthenticate(
      {
        flags: expected.readUInt32LE(60),
        version: expected.subarray(64, 72),
        domain: utf16(text(windows, 'domain')),
        user: utf16(text(windows, 'user')),
        workstation: utf16(text(windows, 'workstation')),
        lm: Buffer.alloc(24),
        nt: windowsResponse.nt,
      },
      windowsIntegrity,
    ),
  serverChallenge: () => windowsChallenge.serverChallenge,
  targetInfo: () => windowsChallenge.targetInfo,
  NTOWFv2: () => windowsHash,
  NTProofStr: () => windowsResponse.nt.subarray(0, 16),
  SessionBaseKey: () => windowsResponse.sessionKey,
  channelBindingsHash: () => windowsPairs.find(({ id }) => id === 10)?.value ?? Buffer.alloc(0),
  MIC: () => integrityCode(windowsIntegrity, windowsMessage),
  NEGOTIATE_MESSAGE: (expected) => {
    const ours = writeNegotiate('ntlmv2');
    return Buffer.concat([ours.subarray(0, 32), expected.subarray(32)]);
  },
};

// Eric Glass's worked example.
const davenport = group('davenport');
const glassNt = ntHash(text(davenport, 'password'));
const glassLm = lmHash(text(davenport, 'password'));
const glassV2 = ntlmv2Hash(glassNt, text(davenport, 'user'), text(davenport, 'domain'));
const glassServer = bytes(davenport, 'serverChallenge');
const glassClient = bytes(davenport, 'clientChallenge');
const glassTemp = ntlmv2Temp(
  bytes(davenport, 'NTLMv2 blob').subarray(8, 16),
  glassClient,
  bytes(davenport, 'targetInfo'),
);
const davenportChecks: Checks = {
  LMOWFv1: () => glassLm,
  NTOWFv1: () => glassNt,
  'LM response': () => challengeResponse(glassLm, glassServer),
  'NTLM response': () => challengeResponse(glassNt, glassServer),
  'NTLM2 session hash': () => md5(glassServer, glassClient).subarray(0, 8),
  'NTLM2 session response': () => ntlm2SessionResponses(glassNt, glassServer, glassClient).nt,
  'NTLMv2 hash': () => glassV2,
  targetInfo: () => readChallenge(bytes(davenport, 'Type2')).targetInfo,
  'NTLMv2 blob': () => glassTemp,
  'NTLMv2 HMAC (NTProofStr)': () =>
    ntlmv2Response(glassV2, glassServer, glassTemp).nt.subarray(0, 16),
  'LMv2 response': () => lmv2Response(glassV2, glassServer, glassClient),
  Type2: (expected) => {
    const challenge = readChallenge(expected);
    expect(challenge.names.dnsComputer).toBe('server.domain.com');
    return challenge.raw;
  },
  Type3: (expected) =>
    layOutAuthenticate({
      flags: expected.readUInt32LE(60),
      version: Buffer.alloc(8),
      domain: utf16(text(davenport, 'domain')),
      user: utf16(text(davenport, 'user')),
      workstation: utf16(text(davenport, 'workstation')),
      lm: challengeResponse(glassLm, glassServer),
      nt: challengeResponse(glassNt, glassServer),
    }),
};

const CAPTURES = [
  { entries: chromium, checks: chromiumChecks },
  { entries: windows, checks: windowsChecks },
  { entries: davenport, checks: davenportChecks },
].flatMap(({ entries, checks }) =>
  checkedNames(entries).map((name) => ({ entries, checks, name })),
);

const NOT_OURS: Readonly<Record<string, string>> = {
  avPairs: 'a list, compared pair by pair below',
  Type1: 'names its domain and workstation; ours carries none',
};

test.for(CAPTURES)('computes $name as captured', ({ entries, checks, name }) => {
  // Chromium's first message has 32 bytes, a form gss-ntlmssp refuses; its bytes feed the MICs.
  const notOurs = entries === chromium ? { NEGOTIATE_MESSAGE: 'a shorter form' } : NOT_OURS;
  const sides = compare(entries, name, checks, notOurs);
  expect(sides?.actual).toEqual(sides?.expected);
});

test('a Windows challenge gives its pairs in order, and our answer repeats them', () => {
  expect(windowsChallenge.pairs).toEqual(windowsPairs.slice(0, 6));
  expect(windowsChallenge.names).toEqual({
    netbiosDomain: 'WS2008R2',
    netbiosComputer: 'DC-WS2008R2',
    dnsDomain: 'ws2008r2.local',
    dnsComputer: 'DC-ws2008r2.ws2008r2.local',
  });
  expect(windowsChallenge.version).toEqual({ major: 6, minor: 1, build: 7600 });
});
