import { expect, test } from 'vitest';
import { PARENT_DOWN_TIME } from '../limits.ts';
import { createParentOrder } from './parents.ts';

function withClock(count: number) {
  const clock = { time: 1000 };
  return { clock, parents: createParentOrder(count, () => clock.time) };
}

test('parents are tried as configured', () => {
  expect(withClock(3).parents.order()).toEqual([0, 1, 2]);
  expect(withClock(0).parents.order()).toEqual([]);
});

test('a parent that failed is tried last, and first again when its time is over', () => {
  const { clock, parents } = withClock(3);
  parents.failed(0);
  expect(parents.order()).toEqual([1, 2, 0]);
  clock.time += PARENT_DOWN_TIME - 1;
  expect(parents.order()).toEqual([1, 2, 0]);
  clock.time += 1;
  expect(parents.order()).toEqual([0, 1, 2]);
});

test('a failed parent that worked is healthy at once', () => {
  const { parents } = withClock(2);
  parents.failed(0);
  parents.worked(0);
  expect(parents.order()).toEqual([0, 1]);
});

test('when all failed, the one that failed longest ago is tried first', () => {
  const { clock, parents } = withClock(3);
  for (const parent of [1, 0, 2, 1]) {
    parents.failed(parent);
    clock.time += 10;
  }
  expect(parents.order()).toEqual([0, 2, 1]);
});

test('failing again starts the time anew', () => {
  const { clock, parents } = withClock(2);
  parents.failed(0);
  clock.time += PARENT_DOWN_TIME / 2;
  parents.failed(0);
  clock.time += PARENT_DOWN_TIME / 2;
  expect(parents.order()).toEqual([1, 0]);
});
