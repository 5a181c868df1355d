import { expect, test } from 'vitest';
import {
  isLoopback,
  parseCount,
  parseFlags,
  parseListen,
  parseParent,
  parseWord,
  toAccount,
  toParents,
} from './parse.ts';

test.for([
  ['proxy.example:8080', 'proxy.example', 8080, false],
  ['10.0.0.1:3128', '10.0.0.1', 3128, false],
  ['[::1]:3128', '::1', 3128, false],
  ['http://proxy:8080/', 'proxy', 8080, false],
  ['https://proxy:8443', 'proxy', 8443, true],
] as const)('%s is the parent %s, port %i, TLS %s', ([text, host, port, tls]) => {
  expect(parseParent(text)).toEqual({ endpoint: { host, port }, tls });
});

test.for([
  'proxy',
  '',
  ':8080',
  'proxy:',
  'proxy:0',
  'proxy:99999',
  'a b:1',
  '::1:3128',
  'ftp://p:1',
])('"%s" is no parent', (text) => {
  expect(() => parseParent(text)).toThrow('Write it as host:port');
});

test('a parent with a password in it is refused without showing it', () => {
  expect(() => parseParent('http://anna:hunter2@proxy:8080')).toThrow(/^(?!.*hunter2).*--user/);
});

test.for([
  ['3128', '127.0.0.1', 3128],
  ['0', '127.0.0.1', 0],
  ['0.0.0.0:8080', '0.0.0.0', 8080],
  ['localhost:1', 'localhost', 1],
  ['[::]:3128', '::', 3128],
] as const)('--listen %s is %s, port %i', ([text, host, port]) => {
  expect(parseListen(text)).toEqual({ host, port });
});

test.for(['', 'x', ':3128', '127.0.0.1:', '70000', '::1:3128'])(
  '--listen "%s" is refused',
  (text) => {
    expect(() => parseListen(text)).toThrow('--listen 3128');
  },
);

test.for([
  ['127.0.0.1', true],
  ['127.1.2.3', true],
  ['::1', true],
  ['localhost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['192.168.1.5', false],
] as const)('%s is loopback: %s', ([host, expected]) => {
  expect(isLoopback({ host, port: 1 })).toBe(expected);
});

test('words are taken in any case, and others refused with the list', () => {
  expect(parseWord('--route', ['parents', 'direct'], ' Direct ')).toBe('direct');
  expect(() => parseWord('--route', ['parents', 'direct'], 'x')).toThrow('one of parents, direct');
});

test('counts and flags are numbers', () => {
  expect(parseCount('--yes', '12')).toBe(12);
  for (const wrong of ['-1', '1.5', 'x', ''])
    expect(() => parseCount('--yes', wrong)).toThrow('--yes 1');
  expect(parseFlags('0xa2088207')).toEqual({ flags: 0xa2088207 });
  expect(parseFlags('B205')).toEqual({ flags: 0xb205 });
  expect(parseFlags(undefined)).toEqual({});
  expect(() => parseFlags('0x123456789')).toThrow('--flags 0xa2088207');
});

test.for([
  ['CORP\\anna', undefined, 'anna', 'CORP'],
  ['anna', 'CORP', 'anna', 'CORP'],
  ['anna', undefined, 'anna', ''],
  ['anna@corp.example', undefined, 'anna@corp.example', ''],
  ['CORP\\anna', 'CORP', 'anna', 'CORP'],
] as const)('--user %s --domain %s is %s of "%s"', ([text, given, user, domain]) => {
  expect(toAccount(text, given, 'HERE')).toEqual({ user, domain, workstation: 'HERE' });
});

test('two domains, and no user, are refused', () => {
  expect(() => toAccount('CORP\\anna', 'OTHER', undefined)).toThrow('given twice');
  expect(() => toAccount('CORP\\', undefined, undefined)).toThrow('user name is empty');
});

test('--ca without TLS, without a file, and without a certificate is refused', async () => {
  await expect(toParents(['p:1'], false, '/x')).rejects.toThrow('Add --tls');
  await expect(toParents(['p:1'], true, '/nowhere/x')).rejects.toThrow('cannot be read');
  await expect(toParents(['https://p:1'], false, import.meta.filename)).rejects.toThrow('PEM');
});
