import { createBag, type Member } from './bag.ts';

/** Something that must be done with by a certain time. */
export interface Deadline extends Member {
  /** In the clock's milliseconds; Infinity for never. */
  at: number;
  expire(): void;
}

/** A coarse clock and the deadlines that hang on it. */
export interface Clock {
  /** Milliseconds, right to a tick: reading it costs nothing. */
  readonly now: number;
  watch(deadline: Deadline): void;
  forget(deadline: Deadline): void;
  stop(): void;
}

/**
 * One timer looks after all connections. A timer of its own per connection, moved on with each
 * byte, would be work per read; here moving a deadline is one assignment, and all end at most one
 * tick late.
 */
export function createClock(tick: number): Clock {
  const deadlines = createBag<Deadline>();
  let now = performance.now();

  const timer = setInterval(() => {
    now = performance.now();
    for (const deadline of deadlines.members.filter(({ at }) => at <= now)) {
      deadlines.remove(deadline);
      deadline.expire();
    }
  }, tick);
  timer.unref();

  return {
    get now() {
      return now;
    },
    watch(deadline) {
      deadlines.add(deadline);
    },
    forget(deadline) {
      deadlines.remove(deadline);
    },
    stop() {
      clearInterval(timer);
    },
  };
}
