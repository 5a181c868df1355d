import { afterEach, expect, test } from 'vitest';
import { fieldOf } from '#engine/testing/read-messages.ts';
import type { EngineConfig } from '#engine/protocol.ts';
import { ask } from './ask.ts';
import {
  asks,
  asksWith,
  AV_END,
  avPair,
  challenge,
  createSignInStand,
  OK,
  PLAIN_INFO,
  usual,
  type Leg,
  type SignInStand,
} from './scripted-parent.ts';

let stand: SignInStand | undefined;

afterEach(async () => {
  await stand?.close();
  stand = undefined;
});

async function start(
  script: (leg: Leg) => string | undefined,
  config?: Partial<EngineConfig>,
): Promise<SignInStand> {
  stand = await createSignInStand(script, config);
  return stand;
}

test('the usual sign-in: first message, challenge, proof', async () => {
  const { engine, legs } = await start(usual);
  expect((await ask(engine.port)).status).toBe(200);
  expect(legs.map(({ type }) => type)).toEqual([1, 3]);
});

test.for(['ntlm', 'auto'] as const)(
  'N1 407 without Proxy-Authenticate, scheme %s',
  async (scheme) => {
    const { engine, proofs, legs } = await start(() => asks(''), {
      auth: { scheme, dialect: 'ntlmv2' },
    });
    const answer = await ask(engine.port);
    expect([answer.status, proofs()]).toEqual([502, 0]);
    expect(legs.length).toBeLessThanOrEqual(2);
  },
);

const token = challenge().toString('base64');
test.for([
  [
    'three lines',
    `Proxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM ${token}\r\nProxy-Authenticate: Basic realm="a"\r\n`,
  ],
  ['one line', `Proxy-Authenticate: Negotiate, NTLM ${token}, Basic realm="a"\r\n`],
  ['commas in quotes', `Proxy-Authenticate: Basic realm="a, NTLM b, \\"c", NTLM ${token}\r\n`],
  ['another case', `proxy-authenticate: ntlm ${token}\r\n`],
  ['empty members', `Proxy-Authenticate: ,, NTLM ${token} ,\r\n`],
  [
    'unknown schemes',
    `Proxy-Authenticate: Digest realm="x", nonce="NTLM y", qop="auth, auth-int"\r\nProxy-Authenticate: NTLM ${token}\r\n`,
  ],
])('N2 the challenge among others: %s', async ([, lines = '']) => {
  const { engine, legs } = await start((leg) =>
    leg.type === 1 ? asks(lines) : leg.type === 3 ? OK : asks(''),
  );
  expect((await ask(engine.port)).status).toBe(200);
  expect(legs.map(({ type }) => type)).toEqual([1, 3]);
});

test.for(['ntlm', 'auto'] as const)(
  'N2 a parent that offers only Basic gets no password, scheme %s',
  async (scheme) => {
    const { engine, legs } = await start(() => asks('Proxy-Authenticate: Basic realm="a"\r\n'), {
      auth: { scheme, dialect: 'ntlmv2' },
    });
    expect((await ask(engine.port)).status).toBe(502);
    for (const { request } of legs)
      expect(fieldOf(request, 'Proxy-Authorization') ?? 'NTLM').toMatch(/^NTLM/);
  },
);

const BAD: readonly (readonly [string, Buffer | string])[] = [
  ['N3 what is not Base64', '!!!!'],
  ['N3 Base64 cut short', 'TlRMT'],
  ['N3 an empty message', Buffer.alloc(0).toString('base64') || '===='],
  ['N3 another signature', challenge({ signature: 'NTLMSSPX' })],
  ['N3 a message of type 1', challenge({ type: 1 })],
  ['N3 a message of type 3', challenge({ type: 3 })],
  ['N3 a message of type 0xFFFFFFFF', challenge({ type: 0xffffffff })],
  ['N3 31 bytes', challenge().subarray(0, 31)],
  ['N3 8 bytes', challenge().subarray(0, 8)],
  ['N3 a SPNEGO token', Buffer.concat([Buffer.from([0x60, 0x40]), challenge()])],
  ['N4 an offset beyond the end', challenge({ offset: 100_000 })],
  ['N4 the offset 0xFFFFFFFF', challenge({ offset: 0xffffffff })],
  ['N4 the offset 0xFFFFFFF0', challenge({ offset: 0xfffffff0 })],
  ['N4 a length beyond the end', challenge({ length: 0xffff })],
  ['N4 one byte too long', challenge({ length: PLAIN_INFO.length + 1 })],
  ['N4 an offset into the header', challenge({ offset: 0 })],
  ['N4 an offset into the challenge', challenge({ offset: 20 })],
  [
    'N5 a pair that is longer than the list',
    challenge({ targetInfo: Buffer.concat([avPair(2, 'CORP', 0xffff), AV_END]) }),
  ],
  [
    'N5 half a pair',
    challenge({ targetInfo: Buffer.concat([PLAIN_INFO.subarray(0, -4), Buffer.from([1])]) }),
  ],
  [
    'N5 a timestamp of 7 bytes',
    challenge({ targetInfo: Buffer.concat([avPair(7, Buffer.alloc(7)), AV_END]) }),
  ],
  [
    'N6 48 KB of target information',
    challenge({ targetInfo: Buffer.concat([avPair(0x40, Buffer.alloc(48_000)), AV_END]) }),
  ],
  [
    'N6 64 KB of target information',
    challenge({ targetInfo: Buffer.alloc(65_535, avPair(0x40, Buffer.alloc(4))) }),
  ],
];

test.for(BAD)('%s: 502, and no proof leaves', async ([, message]) => {
  const { engine, proofs } = await start((leg) => (leg.type === 1 ? asksWith(message) : OK));
  const answer = await ask(engine.port);
  expect([answer.status, proofs()]).toEqual([502, 0]);
  expect((await ask(engine.port)).status).toBe(502);
});

test.for([
  ['no end mark', Buffer.concat([avPair(2, 'CORP'), avPair(1, 'PROXY')])],
  ['the same pair twice', Buffer.concat([avPair(2, 'CORP'), avPair(2, 'OTHER'), AV_END])],
  [
    'unknown pairs',
    Buffer.concat([
      avPair(0x1234, 'x'),
      avPair(2, 'CORP'),
      avPair(0xffff, Buffer.alloc(300)),
      AV_END,
    ]),
  ],
  ['pairs behind the end mark', Buffer.concat([PLAIN_INFO, avPair(2, 'MORE')])],
  ['nothing at all', Buffer.alloc(0)],
] as const)('N5, N7 target information with %s is dealt with safely', async ([, targetInfo]) => {
  const { engine, legs } = await start((leg) =>
    leg.type === 1 ? asksWith(challenge({ targetInfo })) : OK,
  );
  expect([200, 502]).toContain((await ask(engine.port)).status);
  for (const { type, token: proof } of legs) if (type === 3) expectNtlmv2(proof);
});

/** No LM or NTLMv1 answer: a 24-byte NT response would be one. */
function expectNtlmv2(proof: Buffer): void {
  const lm = proof.subarray(proof.readUInt32LE(16)).subarray(0, proof.readUInt16LE(12));
  expect(proof.readUInt16LE(20)).toBeGreaterThan(43);
  // An LMv2 answer or zeros: neither is made of the LM hash.
  expect([0, 24]).toContain(lm.length);
}

test.for([
  ['OEM names', 0xa2888206 & ~1],
  ['no extended session security', 0xa2808205],
  ['no target info', 0xa2088205],
  ['no NTLM at all', 0xa2888005],
  ['no flag at all', 0],
  ['every flag', 0xffffffff],
] as const)('N7 a challenge with %s never gets less than NTLMv2', async ([, flags]) => {
  const { engine, legs } = await start((leg) =>
    leg.type === 1 ? asksWith(challenge({ flags: flags >>> 0 })) : OK,
  );
  expect([200, 502]).toContain((await ask(engine.port)).status);
  for (const { type, token: proof } of legs) if (type === 3) expectNtlmv2(proof);
});

test('N8 a timestamp gets a MIC', async () => {
  const targetInfo = Buffer.concat([
    avPair(2, 'CORP'),
    avPair(7, Buffer.from('0090d336b734c301', 'hex')),
    AV_END,
  ]);
  const { engine, legs } = await start((leg) =>
    leg.type === 1 ? asksWith(challenge({ targetInfo })) : OK,
  );
  expect((await ask(engine.port)).status).toBe(200);
  const proof = legs.at(-1)?.token ?? Buffer.alloc(0);
  expect(proof.subarray(72, 88).equals(Buffer.alloc(16))).toBe(false);
  expect(proof.includes(avPair(6, Buffer.from([2, 0, 0, 0])))).toBe(true);
});
