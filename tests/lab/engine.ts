import { randomUUID } from 'node:crypto';
import type { Timers } from '#engine/limits.ts';
import { hashesFor } from '#engine/ntlm/hashes.ts';
import type { Credential, Dialect, EngineConfig, ParentConfig } from '#engine/protocol.ts';
import { startEngine, type RunningEngine } from '../strict/start-engine.ts';
import { DOMAIN, type LabUser } from './lab.ts';

/** What the engine is given for a user: hashes only. */
export function credentialOf(
  { name, password }: LabUser,
  domain: string = DOMAIN,
  dialect: Dialect = 'ntlmv2',
): Credential {
  const secrets = hashesFor(dialect, { user: name, domain }, password);
  return { id: randomUUID(), user: name, domain, workstation: 'LABHOST', secrets };
}

/** A configuration that sends everything to one parent. */
export function through(
  parent: ParentConfig,
  credential: Credential,
  rest: Partial<EngineConfig> = {},
): Partial<EngineConfig> {
  return {
    route: 'parents',
    parents: [parent],
    credential,
    auth: { scheme: 'auto', dialect: 'ntlmv2' },
    ...rest,
  };
}

/** Runs an engine for as long as a test needs it. */
export async function withEngine(
  config: Partial<EngineConfig>,
  use: (engine: RunningEngine) => Promise<void>,
  timers: Partial<Timers> = {},
): Promise<void> {
  const engine = await startEngine(config, timers);
  try {
    await use(engine);
  } finally {
    await engine.stop();
  }
}
