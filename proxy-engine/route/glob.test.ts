import { expect, test } from 'vitest';
import { compileGlob } from './glob.ts';

test.for([
  ['*', '', true],
  ['*', 'anything', true],
  ['a*c', 'abbbc', true],
  ['a*c', 'abbb', false],
  ['a*b*c', 'a-b-b-c', true],
  ['*ab', 'aab', true],
  ['?', '', false],
  ['?.b', 'a.b', true],
  ['host[0-9]', 'host7', true],
  ['host[0-9]', 'hostx', false],
  ['host[!0-9]', 'hostx', true],
  ['host[^0-9]', 'host1', false],
  ['[abc]x', 'bx', true],
  ['[]]', ']', true],
  ['[!]]', ']', false],
  ['[a-]', '-', true],
  ['10.*.1', '10.2.3.1', true],
  ['a**b', 'ab', true],
  ['a.b', 'axb', false],
] as const)('%s takes %j: %s', ([pattern, text, taken]) => {
  expect(compileGlob(pattern)?.(text)).toBe(taken);
});

test('an open set is refused', () => {
  expect(compileGlob('host[0-9')).toBeUndefined();
  expect(compileGlob('[]')).toBeUndefined();
});

test('many stars on a long text do not multiply', () => {
  const test = compileGlob(`${'*a'.repeat(120)}b`);
  const started = performance.now();
  expect(test?.('a'.repeat(255))).toBe(false);
  expect(performance.now() - started).toBeLessThan(50);
});
