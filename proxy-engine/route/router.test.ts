import { expect, test } from 'vitest';
import { createRouter } from './router.ts';

test.for([
  ['parents', 'www.example', 'parents'],
  ['parents', 'a.corp.example', 'direct'],
  ['parents-if-reachable', 'www.example', 'parents-or-direct'],
  ['parents-if-reachable', 'a.corp.example', 'direct'],
  ['direct', 'www.example', 'direct'],
] as const)('route %s sends %s %s', ([route, host, way]) => {
  expect(createRouter({ route, noProxy: ['.corp.example'] })(host, 80)).toBe(way);
});
