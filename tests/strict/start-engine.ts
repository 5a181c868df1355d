import { createEngine } from '#engine/engine.ts';
import type { Timers } from '#engine/limits.ts';
import type { EngineConfig, EngineEvent } from '#engine/protocol.ts';

/** An engine with one listener on loopback. */
export interface RunningEngine {
  readonly port: number;
  readonly events: readonly EngineEvent[];
  apply(config: Partial<EngineConfig>): Promise<void>;
  stop(): Promise<void>;
}

const CONFIG: EngineConfig = {
  listeners: [{ host: '127.0.0.1', port: 0 }],
  route: 'direct',
  parents: [],
  noProxy: [],
  auth: { scheme: 'none', dialect: 'ntlmv2' },
  latched: [],
};

/** Starts an engine in this process; what the configuration leaves out is the simplest there is. */
export async function startEngine(
  config: Partial<EngineConfig>,
  timers: Partial<Timers> = {},
): Promise<RunningEngine> {
  const events: EngineEvent[] = [];
  const engine = createEngine({ emit: (event) => events.push(event), timers });
  await engine.apply({ ...CONFIG, ...config });
  return {
    port: engine.addresses[0]?.port ?? 0,
    events,
    apply: (next) => engine.apply({ ...CONFIG, ...next }),
    stop: () => engine.stop(0),
  };
}
