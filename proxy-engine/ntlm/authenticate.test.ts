import { expect, test } from 'vitest';
import { bytes, list, text } from '../testing/vectors.ts';
import { writeAuthenticate } from './authenticate.ts';
import type { AuthenticateInput } from './authenticate.ts';
import { AV, findPair, readPairs } from './av-pairs.ts';
import { readChallenge } from './challenge.ts';
import { hashesFor } from './hashes.ts';
import { readField } from './message.ts';
import { writeNegotiate } from './negotiate.ts';

const account = { user: 'alice', domain: 'LAB', workstation: 'WKS' };

function sample(start: string): Buffer {
  const found = list('challenge samples').find((entry) => text(entry, 'name').startsWith(start));
  if (!found) throw new Error(`no sample ${start}`);
  return bytes(found, 'hex');
}

function answer(message: Buffer, changes: Partial<AuthenticateInput> = {}): Buffer {
  const dialect = changes.dialect ?? 'ntlmv2';
  return writeAuthenticate({
    negotiate: writeNegotiate(dialect),
    challenge: readChallenge(message),
    account,
    secrets: hashesFor(dialect, account, 'secret'),
    dialect,
    clientChallenge: Buffer.from('0102030405060708', 'hex'),
    time: Buffer.alloc(8, 7),
    ...changes,
  });
}

function pairsOf(message: Buffer) {
  return readPairs((readField(message, 20) ?? Buffer.alloc(0)).subarray(44)) ?? [];
}

test('the MIC flag joins the flags a parent sent, in their own place', () => {
  const message = sample('gss-ntlmssp');
  const pairs = pairsOf(answer(message));
  expect(pairs.map(({ id }) => id)).toEqual(readChallenge(message).pairs.map(({ id }) => id));
  expect(findPair(pairs, AV.FLAGS)).toEqual(Buffer.from([2, 0, 0, 0]));
});

test('flags, channel bindings and target name follow the pairs of the parent', () => {
  const message = sample('Windows 2008 R2');
  const channelBindings = Buffer.alloc(16, 9);
  const pairs = pairsOf(answer(message, { spn: 'HTTP/parent', channelBindings }));
  expect(pairs.slice(0, 6)).toEqual(readChallenge(message).pairs);
  expect(pairs.slice(6)).toEqual([
    { id: AV.FLAGS, value: Buffer.from([2, 0, 0, 0]) },
    { id: AV.CHANNEL_BINDINGS, value: channelBindings },
    { id: AV.TARGET_NAME, value: Buffer.from('HTTP/parent', 'utf16le') },
  ]);
});

test('a challenge without a timestamp gets our time, an LMv2 response and no MIC', () => {
  const message = answer(sample('48-byte header'), { account: { ...account, user: 'bob' } });
  expect(message.readUInt32LE(32)).toBe(64);
  expect(readField(message, 12)?.subarray(16)).toEqual(Buffer.from('0102030405060708', 'hex'));
  expect(readField(message, 20)?.subarray(24, 32)).toEqual(Buffer.alloc(8, 7));
});

test.for(['corporate appliance', 'no TARGET_INFO flag'])(
  'a parent without target information gets none back: %s',
  (name) => {
    expect(pairsOf(answer(sample(name), { spn: 'HTTP/parent' }))).toEqual([]);
  },
);

test('names go in the code page of a parent without Unicode, or not at all', () => {
  const message = sample('Samba, OEM');
  expect(readField(answer(message), 36)?.toString('latin1')).toBe('alice');
  expect(() => answer(message, { account: { ...account, user: 'иван' } })).toThrow(
    expect.objectContaining({ code: 'parent-scheme' }),
  );
});

test('NTLM2SR is not tried where the parent refused what it needs', () => {
  expect(() => answer(sample('Samba, OEM'), { dialect: 'ntlm2sr' })).toThrow(
    expect.objectContaining({ code: 'parent-scheme' }),
  );
});

test('a dialect whose hash is missing is named', () => {
  const secrets = hashesFor('nt', account, 'secret');
  expect(() => answer(sample('Samba, unicode'), { secrets, dialect: 'ntlm' })).toThrow(
    'No password is stored for the dialect ntlm',
  );
});

test('a challenge too long to be answered is refused', () => {
  const header = Buffer.from(sample('corporate appliance'));
  header.writeUInt16LE(65_488, 40);
  header.writeUInt32LE(48, 44);
  const pair = Buffer.alloc(65_488);
  pair.writeUInt16LE(99, 0);
  pair.writeUInt16LE(65_484, 2);
  expect(() => answer(Buffer.concat([header, pair]))).toThrow('too long to be answered');
});
