import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { detect } from '#engine/detect/detect.ts';
import type { DetectionResult, DetectionStep } from '#engine/detect/step.ts';
import { createEngine, type Engine } from '#engine/engine.ts';
import { hashesFor } from '#engine/ntlm/hashes.ts';
import { createPracticeParent, type PracticeParent } from '#engine/practice/practice-parent.ts';
import type { Account, EngineEvent } from '#engine/protocol.ts';

const LOOPBACK = '127.0.0.1';

/** Everything a demonstration needs, on free ports of this computer. */
export interface Stage {
  readonly account: Account;
  readonly parent: PracticeParent;
  /** `http://127.0.0.1:port/hello` of a small web server. */
  readonly url: string;
  /** Detects how the parent wants to be signed in to. */
  detect(onStep: (step: DetectionStep) => void): Promise<DetectionResult>;
  /** Starts Gatepass in front of the parent. */
  startEngine(emit: (event: EngineEvent) => void): Promise<Engine>;
  close(): Promise<void>;
}

export async function setStage(): Promise<Stage> {
  const account = { user: 'demo', domain: 'PRACTICE', workstation: 'DEMO' };
  const password = randomBytes(9).toString('base64url');
  const origin = await startOrigin();
  const parent = await createPracticeParent({
    users: [{ ...account, password }],
    dialects: ['ntlmv2'],
    quirks: { lockoutThreshold: 3 },
  });
  const url = `http://${LOOPBACK}:${origin.port}/hello`;
  let engine: Engine | undefined;

  return {
    account,
    parent,
    url,
    async detect(onStep) {
      const steps = detect({
        parent,
        target: url,
        account,
        proof: () => Promise.resolve({ password }),
        consent: () => Promise.resolve(false),
      });
      for (;;) {
        const next = await steps.next();
        if (next.done) return next.value;
        onStep(next.value);
      }
    },
    async startEngine(emit) {
      engine = createEngine({ emit, logLevel: 'warn' });
      await engine.apply({
        listeners: [{ host: LOOPBACK, port: 0 }],
        route: 'parents',
        parents: [{ host: parent.host, port: parent.port }],
        noProxy: [],
        auth: { scheme: 'auto', dialect: 'ntlmv2' },
        credential: { ...account, id: 'demo', secrets: hashesFor('ntlmv2', account, password) },
        latched: [],
      });
      return engine;
    },
    async close() {
      await engine?.stop();
      await parent.close();
      await origin.close();
    },
  };
}

async function startOrigin() {
  const server = createServer((request, response) => {
    response.setHeader('Content-Type', 'text/plain; charset=utf-8');
    response.end(`Hello from the web server: you asked for ${request.url}.\n`);
  });
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  const address = server.address();
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
