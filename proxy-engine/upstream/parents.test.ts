import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ProxyError, type ProxyErrorCode } from '../errors.ts';
import { createParentOrder } from '../route/parents.ts';
import type { Link } from './link.ts';
import type { Outgoing, ReplySink } from './outgoing.ts';
import { createParents, type Parents } from './parents.ts';

const RECHECK = 1000;
const NEVER = new AbortController().signal;

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());

/** Lets everything happen that needs no time. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Scene {
  readonly parents: Parents;
  /** What happened, in order: `a` for a new connection to a, `idle a`, `direct`, `fail code`. */
  readonly seen: string[];
  /** Whether a parent can be reached now, and what it fails with otherwise. */
  readonly state: Record<string, ProxyErrorCode | 'up'>;
  readonly idle: Set<string>;
  send(): Promise<void>;
}

function create(names: readonly string[], withFallback = false): Scene {
  const seen: string[] = [];
  const state: Scene['state'] = Object.fromEntries(names.map((name) => [name, 'up']));
  const idle = new Set<string>();
  const links = names.map((name): Link => createLink(name, seen, state, idle));
  const parents = createParents({
    links,
    order: createParentOrder(names.length, () => performance.now()),
    recheckTime: RECHECK,
    isReachable: (index) => {
      const name = names[index] ?? '';
      seen.push(`look at ${name}`);
      return Promise.resolve(state[name] === 'up');
    },
    fallback: withFallback ? () => void seen.push('direct') : undefined,
  });
  return {
    parents,
    seen,
    state,
    idle,
    async send() {
      parents.start(createOutgoing(seen));
      await settle();
    },
  };
}

function createLink(
  name: string,
  seen: string[],
  state: Scene['state'],
  idle: ReadonlySet<string>,
): Link {
  return {
    name,
    startIdle() {
      if (idle.has(name)) seen.push(`idle ${name}`);
      return idle.has(name);
    },
    startNew() {
      seen.push(name);
      const now = state[name] ?? 'up';
      return now === 'up' ? Promise.resolve() : Promise.reject(new ProxyError(now, 'No.'));
    },
    retire: () => void seen.push(`retire ${name}`),
  };
}

function createOutgoing(seen: string[]): Outgoing {
  const sink: ReplySink = {
    informational: () => undefined,
    head: () => undefined,
    data: () => undefined,
    end: () => true,
    fail: (error) => void seen.push(`fail ${error.code}`),
    tunnel: () => undefined,
    flush: () => true,
  };
  return {
    method: 'GET',
    target: { host: 'far.example', port: 80 },
    upgrade: undefined,
    hasBody: false,
    isBodyStarted: () => false,
    repeats: 0,
    sink,
    signal: () => NEVER,
    send: () => undefined,
    releaseBody: () => undefined,
    isSent: () => true,
    probe: () => undefined,
    hold: () => undefined,
    drained: () => undefined,
  };
}

test('the first parent gets everything as long as it can be reached', async () => {
  const { seen, idle, send } = create(['a', 'b']);
  await send();
  idle.add('a');
  await send();
  expect(seen).toEqual(['a', 'idle a']);
});

test.for([
  'parent-refused',
  'parent-not-found',
  'parent-timeout',
  'parent-unreachable',
  'parent-tls',
] as const)('after %s the next one is taken, and the first is left alone', async (code) => {
  const { seen, state, send } = create(['a', 'b', 'c']);
  state['a'] = code;
  await send();
  await send();
  expect(seen).toEqual(['a', 'b', 'b']);
});

test.for(['credentials-rejected', 'challenge-unreadable', 'parent-scheme'] as const)(
  '%s is an answer: no other parent is asked',
  async (code) => {
    const { seen, state, send } = create(['a', 'b'], true);
    state['a'] = code;
    await send();
    await send();
    expect(seen).toEqual(['a', `fail ${code}`, 'a', `fail ${code}`]);
  },
);

test('a look in the background brings the first one back', async () => {
  const { seen, state, send } = create(['a', 'b']);
  state['a'] = 'parent-refused';
  await send();
  await vi.advanceTimersByTimeAsync(RECHECK);
  await vi.advanceTimersByTimeAsync(RECHECK);
  await send();
  state['a'] = 'up';
  await vi.advanceTimersByTimeAsync(RECHECK);
  await send();
  await vi.advanceTimersByTimeAsync(10 * RECHECK);
  expect(seen).toEqual(['a', 'b', 'look at a', 'look at a', 'b', 'look at a', 'a']);
});

test('the idle connections of a parent that is down are not used while others are up', async () => {
  const { seen, state, idle, send } = create(['a', 'b']);
  state['a'] = 'parent-refused';
  await send();
  idle.add('b');
  await send();
  expect(seen).toEqual(['a', 'b', 'idle b']);
});

test('with all down each request asks all, the longest failed first, and names the last', async () => {
  const { seen, state, send } = create(['a', 'b']);
  state['a'] = 'parent-refused';
  state['b'] = 'parent-timeout';
  await send();
  expect(seen.splice(0)).toEqual(['a', 'b', 'fail parent-timeout']);
  await send();
  expect(seen.splice(0)).toEqual(['a', 'b', 'fail parent-timeout']);
});

test('when the last one goes down, one that is back is found by the same request', async () => {
  const { seen, state, send } = create(['a', 'b']);
  state['a'] = 'parent-refused';
  await send();
  state['a'] = 'up';
  state['b'] = 'parent-refused';
  await send();
  await send();
  expect(seen).toEqual(['a', 'b', 'b', 'a', 'a']);
});

test('the only parent is asked by each request, without looks in the background', async () => {
  const { seen, state, send } = create(['a']);
  state['a'] = 'parent-refused';
  await send();
  await vi.advanceTimersByTimeAsync(10 * RECHECK);
  await send();
  expect(seen).toEqual(['a', 'fail parent-refused', 'a', 'fail parent-refused']);
});

test('with a fallback it is taken at once while all are down, and left when one is back', async () => {
  const { seen, state, send } = create(['a', 'b'], true);
  state['a'] = 'parent-refused';
  state['b'] = 'parent-refused';
  await send();
  await send();
  state['b'] = 'up';
  await vi.advanceTimersByTimeAsync(RECHECK);
  await send();
  expect(seen).toEqual(['a', 'b', 'direct', 'direct', 'look at a', 'look at b', 'b']);
});

test('without any parent the error says so', async () => {
  const { seen, send } = create([]);
  await send();
  expect(seen).toEqual(['fail no-parent']);
});

test('a retired configuration looks at nothing any more', async () => {
  const { parents, seen, state, send } = create(['a', 'b']);
  state['a'] = 'parent-refused';
  await send();
  parents.retire();
  await vi.advanceTimersByTimeAsync(10 * RECHECK);
  expect(seen).toEqual(['a', 'b', 'retire a', 'retire b']);
});
