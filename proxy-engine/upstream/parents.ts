import { ProxyError, toProxyError } from '../errors.ts';
import type { Link } from './link.ts';
import { mayRepeat, type Outgoing } from './outgoing.ts';

/** Parents in order of preference, with a memory of those that could not be reached. */
export interface Parents {
  /** Starts an exchange with the first parent that can be reached. Reports failure to its sink. */
  start(outgoing: Outgoing): void;
  retire(): void;
}

export interface ParentsDeps {
  readonly links: readonly Link[];
  /** Which link to try next; see route/parents.ts. */
  readonly order: {
    order(): number[];
    failed(parent: number): void;
    worked(parent: number): void;
  };
  /** Milliseconds between looks at a parent that is down. */
  readonly recheckTime: number;
  /** Whether a parent takes connections now; spends nothing but a connection. */
  isReachable(parent: number, signal: AbortSignal): Promise<boolean>;
  /** Where requests go when no parent can be reached; undefined where that is an error. */
  readonly fallback: ((outgoing: Outgoing) => void) | undefined;
}

/** Failures of the way to a parent. Whatever it answers, even a 503, is an answer. */
const UNREACHABLE: ReadonlySet<string> = new Set([
  'parent-not-found',
  'parent-refused',
  'parent-timeout',
  'parent-unreachable',
  'parent-tls',
  'loop',
]);

/** It took the connection and let it fall; another parent may do better with the same request. */
const DROPPED: ReadonlySet<string> = new Set([
  'reply-incomplete',
  'reply-timeout',
  'parent-closes-during-sign-in',
]);

function isParentsFault(error: unknown, outgoing: Outgoing): error is ProxyError {
  if (!(error instanceof ProxyError)) return false;
  return UNREACHABLE.has(error.code) || (DROPPED.has(error.code) && mayRepeat(outgoing));
}

export function createParents({
  links,
  order,
  recheckTime,
  isReachable,
  fallback,
}: ParentsDeps): Parents {
  const hasAlternative = links.length > 1 || fallback !== undefined;
  const down = new Set<number>();
  const stopped = new AbortController();

  function start(outgoing: Outgoing): void {
    const [first] = links;
    if (first && down.size === 0 && first.startIdle(outgoing)) return;
    startSlowly(outgoing).catch((error: unknown) => {
      if (!outgoing.signal().aborted) outgoing.sink.fail(toProxyError(error));
    });
  }

  async function startSlowly(outgoing: Outgoing): Promise<void> {
    let failure: ProxyError | undefined;
    for (const index of order.order()) {
      const link = links[index];
      // While the background look says that a parent is down, nobody waits for it, unless there
      // is nowhere else to go.
      if (!link || (down.has(index) && hasAlternative && down.size < links.length)) continue;
      if (down.size === links.length && fallback) break;
      if (link.startIdle(outgoing)) return;
      try {
        await link.startNew(outgoing);
        up(index);
        return;
      } catch (error) {
        if (!isParentsFault(error, outgoing)) throw error;
        outgoing.signal().throwIfAborted();
        outgoing.hold();
        failure = error;
        markDown(index);
      }
    }
    if (!fallback) throw failure ?? noParent();
    fallback(outgoing);
  }

  function up(index: number): void {
    down.delete(index);
    order.worked(index);
  }

  function markDown(index: number): void {
    order.failed(index);
    if (!hasAlternative || down.has(index)) return;
    down.add(index);
    scheduleRecheck(index);
  }

  function scheduleRecheck(index: number): void {
    setTimeout(() => void recheck(index), recheckTime).unref();
  }

  async function recheck(index: number): Promise<void> {
    if (stopped.signal.aborted || !down.has(index)) return;
    if (await isReachable(index, stopped.signal)) up(index);
    else scheduleRecheck(index);
  }

  return {
    start,
    retire() {
      stopped.abort(new ProxyError('stopped', 'The configuration has changed.'));
      for (const link of links) link.retire();
    },
  };
}

function noParent(): ProxyError {
  return new ProxyError('no-parent', 'No parent proxy is configured.');
}
