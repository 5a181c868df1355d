/** A row of waiters before a number of places, first come first served. */
export interface Queue {
  /** Waits for a place; the returned function gives it back, once. Rejects with the signal's reason. */
  enter(signal: AbortSignal): Promise<() => void>;
  /** Sends away everybody who waits. */
  refuseAll(reason: Error): void;
}

interface Waiter {
  accept(): void;
  refuse(reason: unknown): void;
}

export function createQueue(places: number): Queue {
  const waiters: Waiter[] = [];
  let taken = 0;

  function takePlace(): () => void {
    taken += 1;
    let isGivenBack = false;
    return () => {
      if (isGivenBack) return;
      isGivenBack = true;
      taken -= 1;
      waiters[0]?.accept();
    };
  }

  return {
    enter(signal) {
      signal.throwIfAborted();
      if (taken < places) return Promise.resolve(takePlace());
      return new Promise((resolve, reject) => {
        const abort = (): void => waiter.refuse(signal.reason);
        const waiter: Waiter = {
          accept() {
            leave();
            resolve(takePlace());
          },
          refuse(reason) {
            leave();
            reject(reason instanceof Error ? reason : new Error('refused'));
          },
        };
        function leave(): void {
          waiters.splice(waiters.indexOf(waiter), 1);
          signal.removeEventListener('abort', abort);
        }
        waiters.push(waiter);
        signal.addEventListener('abort', abort, { once: true });
      });
    },
    refuseAll(reason) {
      for (const waiter of [...waiters]) waiter.refuse(reason);
    },
  };
}
