import { expect, test } from 'vitest';
import { hashesFor, ntHash } from '../ntlm/hashes.ts';
import { AV, findPair, readPairs } from '../ntlm/av-pairs.ts';
import { readField } from '../ntlm/message.ts';
import type { Credential } from '../protocol.ts';
import { bytes, list } from '../testing/vectors.ts';
import { createBasicAuthenticator } from './basic.ts';
import { createNtlmAuthenticator } from './ntlm.ts';

const account = { user: 'alice', domain: 'LAB', workstation: 'WKS' };
const credential: Credential = {
  id: 'one',
  ...account,
  secrets: hashesFor('ntlmv2', account, 'secret'),
};
const [sample] = list('challenge samples');
const challenge = sample ? bytes(sample, 'hex') : Buffer.alloc(0);
const [certificate] = list('channel bindings').map((entry) => ({
  der: bytes(entry, 'certDer'),
  bindings: bytes(entry, 'MsvAvChannelBindings'),
}));

const createNtlm = (changes: Partial<Parameters<typeof createNtlmAuthenticator>[0]> = {}) =>
  createNtlmAuthenticator({
    scheme: 'ntlm',
    dialect: 'ntlmv2',
    credential,
    spn: 'HTTP/parent',
    ...changes,
  });

const messageOf = (value: string) => Buffer.from(value.split(' ')[1] ?? '', 'base64');
const pairsOf = (value: string) =>
  readPairs((readField(messageOf(value), 20) ?? Buffer.alloc(0)).subarray(44)) ?? [];

test.for([
  { scheme: 'ntlm', prefix: 'NTLM TlRMTVNTUAAB' },
  { scheme: 'negotiate', prefix: 'Negotiate TlRMTVNTUAAB' },
] as const)('$scheme carries raw NTLM messages under its own name', ({ scheme, prefix }) => {
  const attempt = createNtlm({ scheme }).begin();
  expect(attempt.first()?.startsWith(prefix)).toBe(true);
  expect(attempt.answer(challenge).startsWith(prefix.replace(/B$/, 'D'))).toBe(true);
});

test('every answer has a client challenge of its own', () => {
  const attempt = createNtlm().begin();
  expect(attempt.answer(challenge)).not.toBe(attempt.answer(challenge));
});

test('the answer is bound to the certificate of a parent reached over TLS, and to no other', () => {
  const attempt = createNtlm().begin();
  const bound = pairsOf(attempt.answer(challenge, certificate?.der));
  expect(findPair(bound, AV.CHANNEL_BINDINGS)).toEqual(certificate?.bindings);
  expect(findPair(pairsOf(attempt.answer(challenge)), AV.CHANNEL_BINDINGS)).toBeUndefined();
});

test('an NT hash serves NTLMv2 too', () => {
  const secrets = { nt: ntHash('secret') };
  const attempt = createNtlm({ credential: { ...credential, secrets } }).begin();
  expect(attempt.answer(challenge)).toMatch(/^NTLM /);
});

test('a credential without the hash a dialect needs is refused before anything is sent', () => {
  expect(() => createNtlm({ dialect: 'nt' })).toThrow(
    expect.objectContaining({ code: 'credentials-missing' }),
  );
});

test('an unreadable challenge is not answered', () => {
  expect(() => createNtlm().begin().answer(Buffer.from('nonsense'))).toThrow(
    expect.objectContaining({ code: 'challenge-unreadable' }),
  );
});

test.for([
  { domain: 'LAB', value: 'LAB\\alice:pässword' },
  { domain: '', value: 'alice:pässword' },
])('Basic sends name and password in UTF-8: $value', ({ domain, value }) => {
  const secrets = { password: Buffer.from('pässword') };
  const attempt = createBasicAuthenticator({ ...credential, domain, secrets }).begin();
  expect(attempt.first()).toBe(`Basic ${Buffer.from(value).toString('base64')}`);
});

test('Basic is refused without a password that may be sent, or with a colon in the name', () => {
  const secrets = { password: Buffer.from('secret') };
  expect(() => createBasicAuthenticator(credential)).toThrow(
    expect.objectContaining({ code: 'credentials-missing' }),
  );
  expect(() => createBasicAuthenticator({ ...credential, user: 'a:b', secrets })).toThrow('colon');
});
