import { expect, test } from 'vitest';
import { DIALECTS } from './dialect.ts';
import { writeNegotiate } from './negotiate.ts';

test('the first message is the one Windows sends over HTTP', () => {
  expect(writeNegotiate('ntlmv2').toString('base64')).toBe(
    'TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAAKAGNFAAAADw==',
  );
});

test.for([
  { dialect: 'ntlmv2', flags: 0xa2088207 },
  { dialect: 'ntlm2sr', flags: 0xa2088207 },
  { dialect: 'nt', flags: 0xa2008207 },
  { dialect: 'ntlm', flags: 0xa2008207 },
  { dialect: 'lm', flags: 0xa2008207 },
] as const)('asks for extended session security only as $dialect allows', ({ dialect, flags }) => {
  const message = writeNegotiate(dialect);
  expect(message).toHaveLength(40);
  expect(message.readUInt32LE(12)).toBe(flags);
  expect(DIALECTS[dialect].extendedSessionSecurity).toBe((flags & 0x80000) !== 0);
});

test('flags of a person who knows better are sent as they are', () => {
  expect(writeNegotiate('ntlmv2', 0xa208b205).readUInt32LE(12)).toBe(0xa208b205);
});
