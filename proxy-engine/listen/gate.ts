import type { Timers } from '../limits.ts';
import type { Log } from '../log.ts';
import type { Way } from '../route/router.ts';
import type { Member } from '../upstream/bag.ts';
import type { Clock } from '../upstream/clock.ts';
import type { Direct } from '../upstream/direct.ts';
import type { Parents } from '../upstream/parents.ts';

/** The ways out as one configuration lays them: replaced whole, never changed. */
export interface Ways {
  route(host: string, port: number): Way;
  readonly parents: Parents;
  readonly direct: Direct;
}

/** What every client connection shares. */
export interface Gate {
  /** Read anew for each exchange, so that a new configuration needs no new listener. */
  readonly ways: Ways;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: Log;
  /** This engine's name in Via: how it knows its own requests when they come round again. */
  readonly pseudonym: string;
  /** No new exchange is to be kept waiting for: connections close as they become idle. */
  readonly stopping: boolean;
  isOwnLiteral(host: string, port: number): boolean;
}

/** One client connection, as its listener sees it. */
export interface Client extends Member {
  /** Ends it if it is idle; one that is not ends with its exchange, once the gate is stopping. */
  drain(): void;
  destroy(): void;
}

/** Where connections are known as long as they live: as a client first, perhaps as a tunnel then. */
export interface ClientRegistry {
  add(client: Client): void;
  remove(client: Client): void;
}
