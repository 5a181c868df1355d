import { expect, test } from 'vitest';
import { createQueue } from './queue.ts';

const NEVER = new AbortController().signal;
/** Lets everything happen that can. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('so many places are free, and the next ones wait their turn', async () => {
  const queue = createQueue(2);
  const order: number[] = [];
  const leave: (() => void)[] = [];
  for (const number of [1, 2, 3, 4]) {
    void queue.enter(NEVER).then((give) => {
      order.push(number);
      leave.push(give);
    });
  }
  await settle();
  expect(order).toEqual([1, 2]);
  leave[1]?.();
  await settle();
  expect(order).toEqual([1, 2, 3]);
  leave[0]?.();
  await settle();
  expect(order).toEqual([1, 2, 3, 4]);
});

test('a place is given back once, however often its holder says so', async () => {
  const queue = createQueue(1);
  const leave = await queue.enter(NEVER);
  leave();
  leave();
  await queue.enter(NEVER);
  let entered = false;
  void queue.enter(NEVER).then(() => (entered = true));
  await settle();
  expect(entered).toBe(false);
});

test('who goes while waiting loses nobody else a place', async () => {
  const queue = createQueue(1);
  const leave = await queue.enter(NEVER);
  const gone = new AbortController();
  const waiting = queue.enter(gone.signal);
  const next = queue.enter(NEVER);
  gone.abort(new Error('gone'));
  await expect(waiting).rejects.toThrow('gone');
  leave();
  await expect(next).resolves.toBeTypeOf('function');
});

test('who has gone before gets no place', () => {
  const queue = createQueue(1);
  expect(() => queue.enter(AbortSignal.abort(new Error('gone')))).toThrow('gone');
});

test('all who wait can be sent away, and the place stays with its holder', async () => {
  const queue = createQueue(1);
  const leave = await queue.enter(NEVER);
  const waiting = [queue.enter(NEVER), queue.enter(NEVER)];
  queue.refuseAll(new Error('no'));
  for (const each of waiting) await expect(each).rejects.toThrow('no');
  leave();
  await expect(queue.enter(NEVER)).resolves.toBeTypeOf('function');
});
