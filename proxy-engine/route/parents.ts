import { PARENT_DOWN_TIME } from '../limits.ts';

/** Which parent to try next, by index into the configured list. */
export interface ParentOrder {
  /** Every parent once: healthy ones as configured, then those that failed, longest ago first. */
  order(): number[];
  failed(parent: number): void;
  worked(parent: number): void;
}

/** `now` gives milliseconds of a clock that never goes back. */
export function createParentOrder(count: number, now: () => number): ParentOrder {
  const failures = new Map<number, number>();
  const all = Array.from({ length: count }, (_, parent) => parent);

  return {
    order() {
      for (const [parent, time] of failures) {
        if (now() - time >= PARENT_DOWN_TIME) failures.delete(parent);
      }
      // A Map keeps the order of insertion: the order of the failures.
      return [...all.filter((parent) => !failures.has(parent)), ...failures.keys()];
    },
    failed(parent) {
      failures.delete(parent);
      failures.set(parent, now());
    },
    worked(parent) {
      failures.delete(parent);
    },
  };
}
