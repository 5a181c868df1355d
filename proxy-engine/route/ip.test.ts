import { isIP } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isInCidr, isLoopback, isUnspecified, parseAnySpelling, parseCidr, parseIp } from './ip.ts';

test.for([
  ['127.0.0.1', '127.0.0.1'],
  ['255.255.255.255', '255.255.255.255'],
  ['::', '::'],
  ['::1', '::1'],
  ['0:0:0:0:0:0:0:1', '::1'],
  ['2001:DB8::00aB', '2001:db8::ab'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
  ['fe80::', 'fe80::'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ['::ffff:127.0.0.1', '127.0.0.1'],
  ['::FFFF:7f00:1', '127.0.0.1'],
  ['0:0:0:0:0:ffff:10.1.2.3', '10.1.2.3'],
])('%s is the address %s', ([text, canonical]) => {
  expect(parseIp(text ?? '')?.text).toBe(canonical);
});

test.for([
  '',
  '1.2.3',
  '1.2.3.4.5',
  '1.2.3.256',
  '01.2.3.4',
  '1.2.3.4.',
  ' 1.2.3.4',
  '1.2.3.0x4',
  '+1.2.3.4',
  '1..2.3',
  ':',
  ':::',
  '1::2::3',
  '::1%lo',
  '[::1]',
  '12345::',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7:8::',
  '::1.2.3',
  '1.2.3.4::',
  '::g',
  ':1:2:3:4:5:6:7:8',
  'example',
  '１.2.3.4',
])('%j is not an address in a usual spelling', (text) => {
  expect(parseIp(text)).toBeUndefined();
});

test('agrees with the system about what an address is', () => {
  const text = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.stringMatching(/^[0-9a-f:.]{0,24}$/),
    fc
      .array(fc.constantFrom('::', ':', '0', 'ffff', '1', '.', '255', '256'), { maxLength: 12 })
      .map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (address) => {
      const ip = parseIp(address);
      expect(ip !== undefined).toBe(isIP(address) > 0);
      if (ip) expect(parseIp(ip.text)).toEqual(ip);
    }),
    { numRuns: 2000 },
  );
});

test.for([
  ['127.1', '127.0.0.1'],
  ['127.0.1', '127.0.0.1'],
  ['2130706433', '127.0.0.1'],
  ['017700000001', '127.0.0.1'],
  ['0x7f000001', '127.0.0.1'],
  ['0x7F.1', '127.0.0.1'],
  ['0177.0.0.1', '127.0.0.1'],
  ['0177.0x0.0.01', '127.0.0.1'],
  ['127.0.0.1.', '127.0.0.1'],
  ['0', '0.0.0.0'],
  ['0x', '0.0.0.0'],
  ['00.0', '0.0.0.0'],
  ['4294967295', '255.255.255.255'],
  ['10.65535', '10.0.255.255'],
  ['[::1]', '::1'],
  ['::1%lo', '::1'],
  ['[fe80::1%25eth0]', 'fe80::1'],
  ['[::ffff:127.0.0.1]', '127.0.0.1'],
])('the resolver would take %s for %s', ([text, canonical]) => {
  expect(parseAnySpelling(text ?? '')?.text).toBe(canonical);
});

test.for([
  '',
  '.',
  'a.b',
  '4294967296',
  '127.0.0.256',
  '256.1',
  '1.2.3.4.5',
  '08.0.0.1',
  '127..1',
  '127.0.0.1..',
  '1e3',
  '-1',
  '0xg',
  '[127.0.0.1',
  `1${'0'.repeat(80)}`,
])('%j stays a name', (text) => {
  expect(parseAnySpelling(text)).toBeUndefined();
});

test.for([
  ['10.0.0.0/8', '10.255.0.1', true],
  ['10.0.0.0/8', '11.0.0.1', false],
  ['10.1.2.3/8', '10.9.9.9', true],
  ['192.168.16.0/20', '192.168.31.255', true],
  ['192.168.16.0/20', '192.168.32.0', false],
  ['0.0.0.0/0', '203.0.113.9', true],
  ['0.0.0.0/0', '2001:db8::1', false],
  ['192.0.2.7', '192.0.2.7', true],
  ['192.0.2.7/32', '192.0.2.6', false],
  ['fd00::/8', 'fdab::1', true],
  ['fd00::/8', 'fe80::1', false],
  ['2001:db8::/33', '2001:db8:7fff::', true],
  ['2001:db8::/33', '2001:db8:8000::', false],
  ['::1/128', '::1', true],
  ['::ffff:10.0.0.0/104', '10.1.1.1', true],
  ['10.0.0.0/8', '::ffff:10.1.1.1', true],
] as const)('%s takes %s: %s', ([block, address, inside]) => {
  const cidr = parseCidr(block);
  const ip = parseIp(address);
  expect(cidr && ip && isInCidr(ip, cidr)).toBe(inside);
});

test.for([
  '10.0.0.0/33',
  '10.0.0.0/-1',
  '10.0.0.0/',
  '10.0.0.0/8/8',
  '10.0/8',
  'fd00::/129',
  'corp/8',
  '10.0.0.0/0x8',
  '/8',
  '::ffff:10.0.0.0/8',
])('%s is not a block', (text) => {
  expect(parseCidr(text)).toBeUndefined();
});

test.for([
  ['127.0.0.1', true, false],
  ['127.255.255.254', true, false],
  ['::1', true, false],
  ['::ffff:127.0.0.2', true, false],
  ['0.0.0.0', false, true],
  ['::', false, true],
  ['::ffff:0.0.0.0', false, true],
  ['10.0.0.1', false, false],
  ['128.0.0.1', false, false],
  ['::2', false, false],
] as const)('%s: loopback %s, unspecified %s', ([text, loopback, unspecified]) => {
  const ip = parseIp(text);
  expect(ip && isLoopback(ip)).toBe(loopback);
  expect(ip && isUnspecified(ip)).toBe(unspecified);
});
