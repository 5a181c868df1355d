import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MAX_HANDSHAKES, TIMERS } from '../limits.ts';
import { createGuard, type Guard, type SignIn, type Verdict } from './guard.ts';

const PARENT = 'proxy:8080';
const NEVER = new AbortController().signal;
const said: string[] = [];

beforeEach(() => {
  said.length = 0;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => void vi.useRealTimers());

function create(isLatched = false): Guard {
  const events = {
    accepted: (parent: string) => void said.push(`accepted ${parent}`),
    rejected: (parent: string) => void said.push(`rejected ${parent}`),
  };
  return createGuard(TIMERS, events, isLatched);
}

/** Lets everything happen that needs no time. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A sign-in from its start to the verdict. */
async function signIn(guard: Guard, verdict?: Verdict, parent = PARENT): Promise<void> {
  const attempt = await guard.enter(parent, NEVER);
  await attempt.turn(NEVER);
  attempt.end(verdict);
}

/** Starts sign-ins and collects those that have got in. */
function enterMany(guard: Guard, count: number): SignIn[] {
  const inside: SignIn[] = [];
  for (let index = 0; index < count; index += 1) {
    guard.enter(PARENT, NEVER).then(
      (attempt) => inside.push(attempt),
      () => undefined,
    );
  }
  return inside;
}

test('until the first acceptance one sign-in runs at a time, for any parent', async () => {
  const guard = create();
  const inside = enterMany(guard, 3);
  void guard.enter('other:8080', NEVER).then((attempt) => inside.push(attempt));
  await settle();
  expect(inside.map(({ isFirst }) => isFirst)).toEqual([true]);
  await vi.advanceTimersByTimeAsync(10 * 60_000);
  expect(inside).toHaveLength(1);
});

test('after it connections are prepared side by side, but proofs leave one at a time', async () => {
  const guard = create();
  await signIn(guard, 'accepted');
  const inside = enterMany(guard, MAX_HANDSHAKES + 3);
  await settle();
  expect(inside).toHaveLength(MAX_HANDSHAKES);
  const proofs: number[] = [];
  for (const [index, attempt] of inside.entries()) {
    void attempt.turn(NEVER).then(() => proofs.push(index));
  }
  await settle();
  expect(proofs).toEqual([0]);
  inside[0]?.end('accepted');
  await settle();
  expect(proofs).toEqual([0, 1]);
  expect(inside).toHaveLength(MAX_HANDSHAKES + 1);
});

test('a verdict that is kept back lets the next proof go after a while', async () => {
  const guard = create();
  await signIn(guard, 'accepted');
  const [first, second] = [await guard.enter(PARENT, NEVER), await guard.enter(PARENT, NEVER)];
  await first.turn(NEVER);
  let isSecondSent = false;
  void second.turn(NEVER).then(() => (isSecondSent = true));
  await vi.advanceTimersByTimeAsync(TIMERS.presumedAccepted - 1);
  expect(isSecondSent).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(isSecondSent).toBe(true);
});

test('a refusal sends everybody away who waits, and says so once', async () => {
  const guard = create();
  await signIn(guard, 'accepted');
  const [first, second] = [await guard.enter(PARENT, NEVER), await guard.enter(PARENT, NEVER)];
  await first.turn(NEVER);
  const waiting = second.turn(NEVER);
  first.end('refused');
  await expect(waiting).rejects.toMatchObject({ code: 'credentials-rejected' });
  second.end();
  await expect(guard.enter(PARENT, NEVER)).rejects.toMatchObject({ code: 'credentials-rejected' });
  await expect(guard.enter('b:1', NEVER)).rejects.toMatchObject({ code: 'credentials-rejected' });
  expect(guard.latched).toBe(true);
  expect(said).toEqual([`accepted ${PARENT}`, `rejected ${PARENT}`]);
});

test('an acceptance that comes after the refusal does not undo it', async () => {
  const guard = create();
  await signIn(guard, 'accepted');
  const [first, second] = [await guard.enter(PARENT, NEVER), await guard.enter(PARENT, NEVER)];
  await first.turn(NEVER);
  await vi.advanceTimersByTimeAsync(TIMERS.presumedAccepted);
  await second.turn(NEVER);
  second.end('refused');
  first.end('accepted');
  expect(guard.latched).toBe(true);
  expect(said).toEqual([`accepted ${PARENT}`, `rejected ${PARENT}`]);
});

test('only the first verdict of a sign-in counts', async () => {
  const guard = create();
  const attempt = await guard.enter(PARENT, NEVER);
  await attempt.turn(NEVER);
  attempt.end('accepted');
  attempt.end('refused');
  attempt.end('lost');
  expect([guard.latched, said]).toEqual([false, [`accepted ${PARENT}`]]);
});

test('a sign-in that sent no proof costs nothing and frees its place', async () => {
  const guard = create();
  (await guard.enter(PARENT, NEVER)).end();
  const next = await guard.enter(PARENT, NEVER);
  expect(next.isFirst).toBe(true);
  expect(said).toEqual([]);
});

test('a client that goes while it waits for its turn frees its place', async () => {
  const guard = create();
  await signIn(guard, 'accepted');
  const [first, second] = [await guard.enter(PARENT, NEVER), await guard.enter(PARENT, NEVER)];
  const third = await guard.enter(PARENT, NEVER);
  await first.turn(NEVER);
  const gone = new AbortController();
  const waiting = second.turn(gone.signal);
  gone.abort(new Error('gone'));
  await expect(waiting).rejects.toThrow('gone');
  second.end();
  first.end('accepted');
  await expect(third.turn(NEVER)).resolves.toBeUndefined();
});

test('a parent is proven for itself only', async () => {
  const guard = create();
  await signIn(guard, 'accepted');
  expect((await guard.enter(PARENT, NEVER)).isFirst).toBe(false);
  expect((await guard.enter('other:8080', NEVER)).isFirst).toBe(true);
});

test('a lost proof has to be followed by an acceptance before others run side by side', async () => {
  const guard = create();
  await signIn(guard, 'accepted');
  await signIn(guard, 'lost');
  const inside = enterMany(guard, 3);
  await settle();
  expect(inside.map(({ isFirst }) => isFirst)).toEqual([true]);
});

test('a loss after the verdict was presumed is none: a no would have come at once', async () => {
  const guard = create();
  await signIn(guard, 'accepted');
  for (let round = 0; round < 5; round += 1) {
    const attempt = await guard.enter(PARENT, NEVER);
    expect(attempt.isFirst).toBe(false);
    await attempt.turn(NEVER);
    await vi.advanceTimersByTimeAsync(TIMERS.presumedAccepted);
    attempt.end('lost');
  }
});

test('a refusal after the verdict was presumed still counts', async () => {
  const guard = create();
  await signIn(guard, 'accepted');
  const attempt = await guard.enter(PARENT, NEVER);
  await attempt.turn(NEVER);
  await vi.advanceTimersByTimeAsync(TIMERS.presumedAccepted);
  attempt.end('refused');
  expect(guard.latched).toBe(true);
});

test('losses in a row make sign-ins rest, each time longer', async () => {
  const guard = create();
  const rests: number[] = [];
  for (let loss = 0; loss < 5; loss += 1) {
    await signIn(guard, 'lost');
    const from = performance.now();
    for (;;) {
      try {
        (await guard.enter(PARENT, NEVER)).end();
        break;
      } catch (error) {
        expect(error).toMatchObject({ code: 'sign-in-unclear' });
        vi.advanceTimersByTime(TIMERS.unclearPause / 2);
      }
    }
    rests.push((performance.now() - from) / TIMERS.unclearPause);
  }
  expect(rests).toEqual([0, 1, 10, 60, 60]);
  expect(said).toEqual([]);
});

test('an acceptance ends the row of losses', async () => {
  const guard = create();
  for (const verdict of ['lost', 'accepted', 'lost', 'accepted', 'lost'] as const) {
    await signIn(guard, verdict);
  }
  await expect(signIn(guard, 'accepted')).resolves.toBeUndefined();
});

test('a challenge in place of a verdict is believed once, whoever gets the second', async () => {
  const guard = create();
  await signIn(guard, 'asked-again');
  expect(guard.latched).toBe(false);
  await signIn(guard, 'asked-again', 'other:8080');
  expect(guard.latched).toBe(true);
  expect(said).toEqual(['rejected other:8080']);
});

test('a latch from outside holds for whoever is waiting', async () => {
  const guard = create();
  const attempt = await guard.enter(PARENT, NEVER);
  guard.latch();
  await expect(attempt.turn(NEVER)).rejects.toMatchObject({ code: 'credentials-rejected' });
});

test('a guard may start latched, and one more try is one', async () => {
  const guard = create(true);
  await expect(guard.enter(PARENT, NEVER)).rejects.toMatchObject({ code: 'credentials-rejected' });
  guard.tryAgain();
  const inside = enterMany(guard, 2);
  await settle();
  expect(inside).toHaveLength(1);
  await inside[0]?.turn(NEVER);
  inside[0]?.end('refused');
  await settle();
  expect([guard.latched, inside.length]).toEqual([true, 1]);
});
