import { expect, test } from 'vitest';
import { bytes, child, children, group, list, text } from '../testing/vectors.ts';
import type { JsonObject } from '../testing/vectors.ts';
import { encryptBlock } from './des.ts';
import { DIALECTS } from './dialect.ts';
import { hmacMd5 } from './digest.ts';
import { hashesFor, lmHash, ntHash, ntlmv2Hash } from './hashes.ts';
import { toUpperCase } from './names.ts';

const LM_CONSTANT = Buffer.from('KGS!@#$%');
const named = (entries: readonly JsonObject[], key: string) =>
  entries.map((entry) => ({ entry, name: JSON.stringify(entry[key]) }));

test.for(named(list('password hashes'), 'password'))('hashes the password $name', ({ entry }) => {
  const password = text(entry, 'password');
  expect(ntHash(password)).toEqual(bytes(entry, 'NTOWFv1'));
  if (entry['LMOWFv1'] === null) {
    expect(() => lmHash(password)).toThrow(expect.objectContaining({ code: 'hash-impossible' }));
  } else {
    expect(lmHash(password)).toEqual(bytes(entry, 'LMOWFv1'));
  }
});

test('a password that has no LM hash is refused with its reason', () => {
  expect(() => lmHash('123456789012345')).toThrow('more than 14 characters');
  expect(() => lmHash('pässwörd')).toThrow('outside ASCII');
});

test.for(named(list('LM OEM code pages'), 'codepage'))(
  'the LM hash of an accented password depends on $name, so ours refuses to guess',
  ({ entry }) => {
    const padded = Buffer.alloc(14);
    padded.set(bytes(entry, 'bytes'));
    const halves = [padded.subarray(0, 7), padded.subarray(7)];
    const hash = Buffer.concat(halves.map((half) => encryptBlock(half, LM_CONSTANT)));
    expect(hash).toEqual(bytes(entry, 'LMOWFv1'));
    expect(() => lmHash(text(entry, 'password'))).toThrow();
  },
);

const caseRules = list('NTOWFv2 case rules').map((entry) => ({
  entry,
  name: `${text(entry, 'hashedUser')} in "${text(entry, 'hashedDomain')}"`,
}));

test.for(caseRules)('the account $name has the recorded hash', ({ entry }) => {
  const account = Buffer.from(text(entry, 'hashedUser') + text(entry, 'hashedDomain'), 'utf16le');
  expect(hmacMd5(ntHash(text(entry, 'password')), account)).toEqual(bytes(entry, 'NTOWFv2'));
});

// Samba also tries the domain in capitals and none at all; ours hashes what it sends.
const asSent = caseRules.filter(({ entry }) => entry['hashedDomain'] === entry['domainInMessage']);

test.for(asSent)('hashes $name exactly when a domain controller accepts it', ({ entry }) => {
  const nt = ntHash(text(entry, 'password'));
  const ours = ntlmv2Hash(nt, text(entry, 'user'), text(entry, 'domainInMessage'));
  expect(ours.equals(bytes(entry, 'NTOWFv2'))).toBe(entry['acceptedBySamba']);
});

test.for(asSent.filter(({ entry }) => entry['acceptedBySamba'] === true))(
  'writes $name in capitals as a domain controller does',
  ({ entry }) => {
    expect(toUpperCase(text(entry, 'user'))).toBe(text(entry, 'hashedUser'));
  },
);

const CNTLM = group('cntlm hashes');

test.for(named(children(CNTLM, 'rows'), 'user'))(
  'knows the hashes CNTLM prints for $name',
  ({ entry }) => {
    const nt = ntHash(text(entry, 'password'));
    const user = text(entry, 'user');
    // CNTLM takes 14 characters of a longer password, a hash no server has.
    const hashes = {
      PassLM: lmHash(text(entry, 'password').slice(0, 14)),
      PassNT: nt,
      PassNTLMv2: ntlmv2Hash(nt, user, text(entry, 'domain').toUpperCase()),
    };
    for (const [key, hash] of Object.entries(hashes)) {
      expect(hash).toEqual(bytes(child(entry, 'plain'), key));
      expect(hash.map((byte) => byte ^ 0xff)).toEqual(bytes(child(entry, 'legacy_inverted'), key));
    }
  },
);

test("the example in CNTLM's own manual is of the password 'password', but for its NTLMv2 hash", () => {
  const example = child(CNTLM, 'doc_example');
  const inverted = (hash: Buffer) => hash.map((byte) => byte ^ 0xff);
  expect(inverted(lmHash('password'))).toEqual(bytes(example, 'PassLM'));
  expect(inverted(ntHash('password'))).toEqual(bytes(example, 'PassNT'));
  const ntlmv2 = ntlmv2Hash(ntHash('password'), text(example, 'user'), 'CORP-UK');
  expect(inverted(ntlmv2)).not.toEqual(bytes(example, 'PassNTLMv2'));
});

test.for([
  { dialect: 'ntlmv2', kept: ['ntlmv2'] },
  { dialect: 'ntlm2sr', kept: ['nt'] },
  { dialect: 'nt', kept: ['nt'] },
  { dialect: 'ntlm', kept: ['lm', 'nt'] },
  { dialect: 'lm', kept: ['lm'] },
] as const)('keeps only the hashes that $dialect needs', ({ dialect, kept }) => {
  const secrets = hashesFor(dialect, { user: 'alice', domain: 'LAB' }, 'secret');
  expect(Object.keys(secrets)).toEqual(kept);
  expect(DIALECTS[dialect].needs).toEqual(kept);
});

test('a long password is no obstacle to a dialect without LM', () => {
  const account = { user: 'alice', domain: 'LAB' };
  expect(hashesFor('nt', account, '123456789012345')).toHaveProperty('nt');
  expect(() => hashesFor('ntlm', account, '123456789012345')).toThrow('no LM hash');
});
