import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readOffers } from './offered.ts';

const token = Buffer.from('NTLMSSP\0');
const base64 = token.toString('base64');

test.for([
  { values: ['NTLM'], offers: [{ scheme: 'ntlm' }] },
  { values: [`NTLM ${base64}`], offers: [{ scheme: 'ntlm', token }] },
  { values: [`  ntlm \t  ${base64}  `], offers: [{ scheme: 'ntlm', token }] },
  { values: [`NTLM ${base64.replace(/=+$/, '')}`], offers: [{ scheme: 'ntlm', token }] },
  { values: ['NTLM TlRM!'], offers: [{ scheme: 'ntlm', tokenUnreadable: true }] },
  { values: ['NTLM TlRM TlRM'], offers: [{ scheme: 'ntlm', tokenUnreadable: true }] },
  { values: ['NTLM TlRMT'], offers: [{ scheme: 'ntlm', tokenUnreadable: true }] },
  { values: ['NTLM "TlRM"'], offers: [{ scheme: 'ntlm', tokenUnreadable: true }] },
  {
    values: ['Negotiate', 'NTLM', 'Basic realm="office"'],
    offers: [{ scheme: 'negotiate' }, { scheme: 'ntlm' }, { scheme: 'basic', realm: 'office' }],
  },
  {
    values: ['Negotiate, NTLM,Basic realm="a, NTLM \\"b\\"", charset="UTF-8"'],
    offers: [
      { scheme: 'negotiate' },
      { scheme: 'ntlm' },
      { scheme: 'basic', realm: 'a, NTLM "b"' },
    ],
  },
  {
    values: [`Digest realm="x", nonce="a==", qop=auth, NTLM ${base64}, Basic realm = plain`],
    offers: [
      { scheme: 'digest', realm: 'x' },
      { scheme: 'ntlm', token },
      { scheme: 'basic', realm: 'plain' },
    ],
  },
  { values: [', ,NTLM,, '], offers: [{ scheme: 'ntlm' }] },
  { values: ['realm="lost", NTLM'], offers: [{ scheme: 'ntlm' }] },
  { values: ['"NTLM"', '<b>', ''], offers: [] },
  { values: [], offers: [] },
])('reads $values', ({ values, offers }) => {
  expect(readOffers(values)).toEqual(offers);
});

test('a token beyond every honest size is not decoded', () => {
  expect(readOffers([`NTLM ${'A'.repeat(90_000)}`])).toEqual([
    { scheme: 'ntlm', tokenUnreadable: true },
  ]);
});

test('any text gives a list, and never fails', () => {
  const piece = fc.constantFrom('NTLM', ' ', ',', '"', '\\', '=', 'realm', base64, 'é', '\t');
  const likely = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(fc.array(fc.oneof(likely, fc.string({ unit: 'binary-ascii' }))), (values) => {
      const schemes = readOffers(values).map(({ scheme }) => scheme);
      expect(schemes).toEqual(schemes.map((scheme) => scheme.toLowerCase()));
    }),
    { numRuns: 1000 },
  );
});

test.for(['a=', '"', ' ', 'a ', '\\"', ',', 'a,', '=', 'A a="'])(
  'a long run of %j is read in no time',
  (piece) => {
    const started = performance.now();
    readOffers([piece.repeat(60_000), `NTLM ${piece.repeat(60_000)}`]);
    expect(performance.now() - started).toBeLessThan(2000);
  },
);
