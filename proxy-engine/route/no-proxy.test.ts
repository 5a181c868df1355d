import { expect, test } from 'vitest';
import { ProxyError } from '../errors.ts';
import { compileNoProxy } from './no-proxy.ts';

test.for([
  ['intranet', 'intranet', 80, true],
  ['intranet', 'INTRANET.', 80, true],
  ['INTRANET', 'intranet', 80, true],
  ['corp.example', 'www.corp.example', 80, false],
  ['corp.example', 'corp.example.', 80, true],
  ['corp.example', 'notcorp.example', 80, false],
  ['.corp.example', 'www.corp.example', 80, true],
  ['.corp.example', 'a.b.corp.example', 80, true],
  ['.corp.example', 'corp.example', 80, false],
  ['.corp.example', 'notcorp.example', 80, false],
  ['*.corp.example', 'www.Corp.Example', 443, true],
  ['*.corp.example', 'corp.example', 443, false],
  ['*corp.example', 'notcorp.example', 443, true],
  ['www.*.example', 'www.corp.example', 443, true],
  ['host[0-9].example', 'host5.example', 80, true],
  ['host?', 'host1', 80, true],
  ['*', '203.0.113.9', 80, true],
  ['10.*', '10.1.2.3', 80, true],
  ['10.*', '110.1.2.3', 80, false],
  ['10.0.0.0/8', '10.1.2.3', 80, true],
  ['10.0.0.0/8', '10.66051', 80, true],
  ['10.0.0.0/8', '[::ffff:10.1.2.3]', 80, true],
  ['10.0.0.0/8', 'ten.example', 80, false],
  ['fd00::/8', '[fd12::7]', 80, true],
  ['fd00::/8', 'fd12::7', 80, true],
  ['fd00::/8', '[2001:db8::1]', 80, false],
  ['127.0.0.1', '127.1', 80, true],
  ['127.0.0.1', '0x7f.0.0.1', 80, true],
  ['::1', '[0:0:0:0:0:0:0:1]', 80, true],
  ['[::1]', '[::1]', 80, true],
  ['intranet:8080', 'intranet', 8080, true],
  ['intranet:8080', 'intranet', 80, false],
  ['*.corp.example:8080', 'a.corp.example', 8080, true],
  ['*.corp.example:8080', 'a.corp.example', 80, false],
  ['10.0.0.0/8:8080', '10.1.1.1', 8080, true],
  ['10.0.0.0/8:8080', '10.1.1.1', 8081, false],
  ['[::1]:3000', '[::1]', 3000, true],
  ['[::1]:3000', '[::1]', 3001, false],
  ['<local>', 'intranet', 80, true],
  ['<LOCAL>', 'intranet.', 80, true],
  ['<local>', 'intranet.example', 80, false],
  ['<local>', '[::1]', 80, false],
  ['<local>', '2130706433', 80, false],
  ['<local>:8080', 'intranet', 8080, true],
  ['<local>:8080', 'intranet', 80, false],
  [' intranet ', 'intranet', 80, true],
] as const)('%s takes %s port %i: %s', ([pattern, host, port, taken]) => {
  expect(compileNoProxy([pattern])(host, port)).toBe(taken);
});

test('ports of one name add up, and the name alone takes every port', () => {
  const some = compileNoProxy(['host:1', 'host:2', '.x.example:3']);
  expect([1, 2, 3].map((port) => some('host', port))).toEqual([true, true, false]);
  const every = compileNoProxy(['host', 'host:1']);
  expect([1, 9].map((port) => every('host', port))).toEqual([true, true]);
});

test('no patterns take nothing', () => {
  expect(compileNoProxy([])('localhost', 80)).toBe(false);
});

test.for([
  '',
  ' ',
  '.',
  'http://intranet',
  'intranet/',
  '10.0.0.0/33',
  '10.0/8',
  'a b',
  'host:',
  'host:0',
  'host:65536',
  'host:http',
  '[::1',
  '[::1]:x',
  '[::g]',
  'host[0-9',
  '<other>',
  'a..b',
  '..corp',
  'a:b:c',
  'caf\u00e9',
  'x'.repeat(300),
  '!corp.example,other',
])('%j is refused by name', (pattern) => {
  let thrown: unknown;
  try {
    compileNoProxy(['fine', pattern]);
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(ProxyError);
  expect(thrown).toMatchObject({ code: 'bad-configuration' });
  expect(String(thrown)).toContain(JSON.stringify(pattern.slice(0, 255)));
});
