import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProxyError } from '../errors.ts';
import { bytes, children, list, text } from '../testing/vectors.ts';
import type { JsonObject } from '../testing/vectors.ts';
import { writeAuthenticate } from './authenticate.ts';
import { readChallenge } from './challenge.ts';
import type { Challenge } from './challenge.ts';
import { hashesFor } from './hashes.ts';
import { writeNegotiate } from './negotiate.ts';

const named = (entries: readonly JsonObject[]) =>
  entries.map((entry) => ({ entry, name: text(entry, 'name') }));
const SAMPLES = named(list('challenge samples'));
const MALFORMED = named(list('malformed challenges'));

test.for(SAMPLES)('reads: $name', ({ entry }) => {
  const message = bytes(entry, 'hex');
  const challenge = readChallenge(message);
  const encoding = (challenge.flags & 1) === 1 ? 'utf16le' : 'latin1';

  expect(text(entry, 'expect')).toMatch(/^accept/);
  expect(message).toHaveLength(Number(entry['length']));
  expect(challenge.raw).toBe(message);
  expect(challenge.flags).toBe(Number(text(entry, 'flags')));
  expect(challenge.serverChallenge).toEqual(bytes(entry, 'serverChallenge'));
  expect(challenge.targetName).toBe(bytes(entry, 'targetName').toString(encoding));
  expect(challenge.pairs).toEqual(
    children(entry, 'avPairs').map((pair) => ({ id: pair['id'], value: bytes(pair, 'hex') })),
  );
});

test.for([
  { name: 'Windows 2008 R2 DC', version: { major: 6, minor: 1, build: 7600 } },
  { name: '48-byte header, no Version (Windows 2000 era)', version: undefined },
  { name: '32-byte minimal challenge, no target info fields at all', version: undefined },
])('knows the version, or that there is none, of: $name', ({ name, version }) => {
  const sample = SAMPLES.find((candidate) => candidate.name === name);
  expect(sample && readChallenge(bytes(sample.entry, 'hex')).version).toEqual(version);
});

/** What becomes of each malformed sample; a sentence where it is refused. */
const VERDICTS: Readonly<Record<string, RegExp | 'read'>> = {
  empty: /too short/,
  'signature only': /too short/,
  '31 bytes (challenge cut)': /too short/,
  'bad signature': /not NTLM/,
  'type 1 instead of 2': /another kind/,
  'type 3 instead of 2': /another kind/,
  'target info length beyond the end': /beyond the end/,
  'target info offset beyond the end': /beyond the end/,
  'target info offset 0xfffffff0 (32-bit wrap)': /beyond the end/,
  'target info offset inside the header (8)': /overlaps its own header/,
  'target name offset beyond the end': 'read',
  'last AV pair longer than the list': /list that is broken/,
  'AV list without EOL': 'read',
  'truncated in the middle of the target info': /beyond the end/,
  'trailing garbage after the message': 'read',
  'timestamp AV pair of 4 bytes': /not 8 bytes long/,
  'SPNEGO NegTokenResp instead of raw NTLM': /Negotiate token/,
};

test.for(MALFORMED)('survives: $name', ({ entry, name }) => {
  const verdict = VERDICTS[name];
  const read = () => readChallenge(bytes(entry, 'hex'));
  expect(verdict).toBeDefined();
  if (verdict === 'read') {
    expect(text(entry, 'expect')).toMatch(/^accept/);
    expect(read().raw).toEqual(bytes(entry, 'hex'));
  } else if (verdict) {
    expect(text(entry, 'expect')).toMatch(/^(reject|not a raw)/);
    expect(read).toThrow(verdict);
    expect(read).toThrow(expect.objectContaining({ code: 'challenge-unreadable' }));
  }
});

test('a challenge beyond every honest size is refused unread', () => {
  expect(() => readChallenge(Buffer.alloc(64 * 1024 + 1))).toThrow('more than any challenge');
});

test('a target name that points outside reads as none', () => {
  const sample = MALFORMED.find(({ name }) => name.startsWith('target name offset'));
  expect(sample && readChallenge(bytes(sample.entry, 'hex')).targetName).toBe('');
});

/** A challenge that was read must also be answered, or refused in our own words. */
function readAndAnswer(message: Buffer): void {
  const account = { user: 'alice', domain: 'LAB', workstation: 'WKS' };
  try {
    const challenge: Challenge = readChallenge(message);
    const answer = writeAuthenticate({
      negotiate: writeNegotiate('ntlmv2'),
      challenge,
      account,
      secrets: hashesFor('ntlmv2', account, 'secret'),
      dialect: 'ntlmv2',
      spn: 'HTTP/parent',
      clientChallenge: Buffer.alloc(8),
      time: Buffer.alloc(8),
    });
    expect(answer.length).toBeGreaterThan(64);
  } catch (error) {
    expect(error).toBeInstanceOf(ProxyError);
  }
}

test('any bytes give a challenge or a clear failure', () => {
  const bytesOfAnySize = fc.uint8Array({ maxLength: 400 });
  const header = Buffer.from('4e544c4d5353500002000000', 'hex');
  fc.assert(
    fc.property(bytesOfAnySize, fc.boolean(), (data, signed) => {
      readAndAnswer(signed ? Buffer.concat([header, data]) : Buffer.from(data));
    }),
    { numRuns: 1000 },
  );
});

test('a real challenge with damaged bytes gives a challenge or a clear failure', () => {
  const real = SAMPLES.map(({ entry }) => bytes(entry, 'hex'));
  const damage = fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.constantFrom(...real), damage, fc.nat(300), (message, changes, length) => {
      const damaged = Buffer.from(message);
      for (const [at, value] of changes) damaged[at % damaged.length] = value;
      readAndAnswer(damaged);
      readAndAnswer(damaged.subarray(0, length));
    }),
    { numRuns: 1000 },
  );
});

test('the largest list of the smallest pairs is read in no time', () => {
  const header = Buffer.alloc(48);
  header.write('NTLMSSP\0', 'latin1');
  header.writeUInt32LE(2, 8);
  header.writeUInt32LE(0x00808201, 20);
  header.writeUInt16LE(65_484, 40);
  header.writeUInt32LE(48, 44);
  const message = Buffer.concat([header, Buffer.alloc(65_484, Buffer.from('ff000000', 'hex'))]);
  const started = performance.now();
  expect(readChallenge(message).pairs).toHaveLength(16_371);
  readAndAnswer(message);
  expect(performance.now() - started).toBeLessThan(2000);
});
