import { createEngine, type Engine } from '../engine.ts';
import type { Timers } from '../limits.ts';
import { hashesFor } from '../ntlm/hashes.ts';
import { createPracticeParent } from '../practice/practice-parent.ts';
import type { PracticeOptions, PracticeParent } from '../practice/practice-parent.ts';
import type { Quirks } from '../practice/quirks.ts';
import type { Credential, Dialect, EngineConfig, EngineEvent, ParentConfig } from '../protocol.ts';
import { connectClient, type ProxyClient } from './proxy-client.ts';
import { createRecordingOrigin, type RecordingOrigin } from './recording-origin.ts';

export const PASSWORD = 'Right-Pass-1';
export const USER = { domain: 'LAB', user: 'alice', password: PASSWORD };
const ACCOUNT = { user: 'alice', domain: 'LAB', workstation: 'WKS' };

export interface StandOptions {
  readonly quirks?: Partial<Quirks>;
  readonly config?: Partial<EngineConfig>;
  readonly timers?: Partial<Timers>;
  /** The password the engine is given; the right one if left out. */
  readonly password?: string;
}

/** An engine, the practice parent it signs in to, and an origin behind that. */
export interface Stand {
  readonly origin: RecordingOrigin;
  readonly parent: PracticeParent;
  readonly engine: Engine;
  readonly events: readonly EngineEvent[];
  /** The port of the engine's first listener. */
  readonly port: number;
  /** The configuration it began with, changed as told. */
  configure(change?: Partial<EngineConfig>): EngineConfig;
  /** Ends the parent with all its connections, and starts another at the same address. */
  replaceParent(options: Partial<PracticeOptions>): Promise<void>;
  connect(): Promise<ProxyClient>;
  close(): Promise<void>;
}

/** A credential with the hashes of one dialect. */
export function credentialOf(
  password: string,
  { id = 'one', dialect = 'ntlmv2' }: { id?: string; dialect?: Dialect } = {},
): Credential {
  return { id, ...ACCOUNT, secrets: hashesFor(dialect, ACCOUNT, password) };
}

/** A configuration with one listener on a free port of loopback, and whatever is told. */
export function configOf(change: Partial<EngineConfig> = {}): EngineConfig {
  return {
    listeners: [{ host: '127.0.0.1', port: 0 }],
    route: 'parents',
    parents: [],
    noProxy: [],
    auth: { scheme: 'auto', dialect: 'ntlmv2' },
    latched: [],
    ...change,
  };
}

/** Where a parent is to be found. */
export function endpointOf({ port }: { readonly port: number }): ParentConfig {
  return { host: '127.0.0.1', port };
}

export async function createStand({
  quirks = {},
  config = {},
  timers = {},
  password = PASSWORD,
}: StandOptions = {}): Promise<Stand> {
  const origin = await createRecordingOrigin();
  let parent = await createPracticeParent({ users: [USER], quirks });
  const events: EngineEvent[] = [];
  const engine = createEngine({ emit: (event) => events.push(event), timers });
  const first = configOf({
    parents: [endpointOf(parent)],
    credential: credentialOf(password),
    ...config,
  });
  await engine.apply(first);
  const port = engine.addresses[0]?.port ?? 0;
  const clients: ProxyClient[] = [];

  return {
    origin,
    get parent() {
      return parent;
    },
    engine,
    events,
    port,
    configure: (change = {}) => ({ ...first, ...change }),
    async replaceParent(options) {
      await parent.close();
      parent = await createPracticeParent({ users: [USER], port: parent.port, ...options });
    },
    async connect() {
      const client = await connectClient(port);
      clients.push(client);
      return client;
    },
    async close() {
      for (const { socket } of clients) socket.destroy();
      await engine.stop(0);
      await Promise.all([parent.close(), origin.close()]);
    },
  };
}

/** What the engine said of one kind. */
export function eventsOf(
  { events }: Pick<Stand, 'events'>,
  type: EngineEvent['type'],
): readonly EngineEvent[] {
  return events.filter((event) => event.type === type);
}

/** Polls until a condition holds, for what sends no event; rejects at the deadline. */
export async function eventually(condition: () => boolean, deadline = 3000): Promise<void> {
  const end = performance.now() + deadline;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`Never came true: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
