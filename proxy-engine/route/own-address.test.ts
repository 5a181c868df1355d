import { expect, test } from 'vitest';
import { createOwnAddresses } from './own-address.ts';

const MACHINE = ['127.0.0.1', '::1', '192.168.7.20', 'fd12::20', 'fe80::20%eth0', 'Laptop-7'];
const loopbackOnly = createOwnAddresses([{ host: '127.0.0.1', port: 3128 }], MACHINE);
const everywhere = createOwnAddresses([{ host: '0.0.0.0', port: 3128 }], MACHINE);

const SPELLINGS = [
  '127.0.0.1',
  '127.0.0.1.',
  '127.1',
  '127.0.1',
  '127.000.000.001',
  '2130706433',
  '0x7f000001',
  '0X7F000001',
  '017700000001',
  '0x7f.1',
  '0x7f.0.0.1',
  '0177.0.0.1',
  '0177.1',
  '127.0x0.0.01',
  '127.0.0.2',
  '127.1.2.3',
  '127.255.255.254',
  '0',
  '0.0',
  '0.0.0.0',
  '0x0',
  '00',
  '0.0.0.0.',
  '::1',
  '[::1]',
  '[::]',
  '::',
  '[0:0:0:0:0:0:0:1]',
  '[0000::0001]',
  '[::0.0.0.1]',
  '[::1%lo]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::FFFF:127.1.2.3]',
  '[::ffff:0.0.0.0]',
  '[0:0:0:0:0:ffff:127.0.0.1]',
  '::ffff:127.0.0.1',
  'localhost',
  'LOCALHOST',
  'localhost.',
  'LocalHost.',
  'foo.localhost',
  'a.b.localhost.',
  'localhost.localdomain',
  'localhost6',
  'ip6-localhost',
  'ip6-loopback',
  'laptop-7',
  'LAPTOP-7.',
];

test('the table holds at least forty spellings', () => {
  expect(new Set(SPELLINGS).size).toBeGreaterThanOrEqual(40);
});

test.for(SPELLINGS)('%s leads back to a listener on loopback, whatever it is bound to', (host) => {
  expect(loopbackOnly.isOwnLiteral(host, 3128)).toBe(true);
  expect(everywhere.isOwnLiteral(host, 3128)).toBe(true);
  expect(loopbackOnly.isOwnLiteral(host, 3129)).toBe(false);
});

test.for([
  '192.168.7.20',
  '[fd12::20]',
  '192.168.1812',
  '0xc0a80714',
  '[::ffff:192.168.7.20]',
  '[fe80::20]',
  '[fe80::20%25eth0]',
])('%s is own only for a listener on every interface', (host) => {
  expect(everywhere.isOwnLiteral(host, 3128)).toBe(true);
  expect(loopbackOnly.isOwnLiteral(host, 3128)).toBe(false);
});

test.for([
  'example.com',
  'localhost.example',
  'notlocalhost',
  '128.0.0.1',
  '10.0.0.1',
  '[::2]',
  '127.0.0.256',
  '192.168.7.21',
  '1.0.0.127',
  'laptop-70',
  '',
])('%j belongs to others', (host) => {
  expect(everywhere.isOwnLiteral(host, 3128)).toBe(false);
});

test.for([
  ['127.0.0.1', 3128, true],
  ['127.0.1.1', 3128, true],
  ['::1', 3128, true],
  ['::', 3128, true],
  ['::ffff:127.0.0.1', 3128, true],
  ['127.0.0.1', 80, false],
  ['192.168.7.20', 3128, false],
  ['localhost', 3128, false],
] as const)('dialling %s port %i is own: %s', ([ip, port, own]) => {
  expect(loopbackOnly.isOwn(ip, port)).toBe(own);
});

test('every listener counts with its own address and port', () => {
  const own = createOwnAddresses(
    [
      { host: '127.0.0.1', port: 1 },
      { host: '192.168.7.20', port: 2 },
      { host: '::', port: 3 },
      { host: 'proxy.local', port: 4 },
    ],
    MACHINE,
  );
  expect([1, 2, 3, 4].map((port) => own.isOwn('192.168.7.20', port))).toEqual([
    false,
    true,
    true,
    true,
  ]);
  expect(own.isOwn('192.168.7.21', 3)).toBe(false);
});
