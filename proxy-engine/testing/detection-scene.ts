import { onTestFinished } from 'vitest';
import { detect } from '../detect/detect.ts';
import type { DetectOptions } from '../detect/run.ts';
import type { ConsentQuestion, DetectionResult, DetectionStep } from '../detect/step.ts';
import { createPracticeParent, type PracticeParent } from '../practice/practice-parent.ts';
import type { Quirks } from '../practice/quirks.ts';
import type { Account, Dialect, Secrets } from '../protocol.ts';
import { createCertificate } from './certificate.ts';
import { createRecordingOrigin } from './recording-origin.ts';

export const RIGHT = 'Practice-1';
export const ANNA: Account = { user: 'anna', domain: 'LAB', workstation: 'HERE' };

export interface SceneOptions {
  readonly quirks?: Partial<Quirks>;
  readonly dialects?: readonly Dialect[] | undefined;
  readonly password?: string;
  readonly tls?: boolean;
  /** The parent wants no sign-in at all. */
  readonly open?: boolean;
}

export interface SceneDetection extends Pick<DetectOptions, 'also' | 'all' | 'signal'> {
  readonly account?: Account | undefined;
  /** The right one, unless told; undefined to give none. */
  readonly password?: string | undefined;
  readonly secrets?: Secrets;
  /** How many questions are answered with yes. */
  readonly yes?: number;
  readonly tunnel?: boolean;
  /** The parent's certificate is not made known. */
  readonly trusted?: boolean;
  /** A TLS parent is spoken to without TLS. */
  readonly plain?: boolean;
}

export interface Detected {
  readonly result: DetectionResult;
  readonly steps: readonly DetectionStep[];
  readonly questions: readonly ConsentQuestion[];
  /** The accounts a proof was wanted for. */
  readonly proofs: readonly Account[];
}

/** A practice parent that knows Anna, an origin behind it, and detections of it. */
export interface Scene {
  readonly parent: PracticeParent;
  /** As the parent counts them. */
  wrongPasswords(): number;
  detect(options: SceneDetection): Promise<Detected>;
}

export async function startScene(options: SceneOptions): Promise<Scene> {
  const origin = await createRecordingOrigin();
  onTestFinished(() => origin.close());
  const tls = options.tls ? createCertificate() : undefined;
  const parent = await createPracticeParent({
    users: [{ domain: ANNA.domain, user: ANNA.user, password: options.password ?? RIGHT }],
    ...(options.quirks && { quirks: options.quirks }),
    ...(options.dialects && { dialects: options.dialects }),
    ...(tls && { tls }),
  });
  onTestFinished(() => void parent.close().catch(() => undefined));

  function parentConfig({
    trusted = true,
    plain = false,
  }: SceneDetection): DetectOptions['parent'] {
    const port = options.open ? origin.port : parent.port;
    if (!tls || plain) return { host: '127.0.0.1', port };
    return { host: 'localhost', port, tls: trusted ? { ca: tls.cert } : {} };
  }

  return {
    parent,
    wrongPasswords: () => parent.stats.refused.get(ANNA.user) ?? 0,
    async detect(wishes) {
      const questions: ConsentQuestion[] = [];
      const proofs: Account[] = [];
      const password = 'password' in wishes ? wishes.password : RIGHT;
      const account = 'account' in wishes ? wishes.account : ANNA;
      const steps = detect({
        ...(wishes.also && { also: wishes.also }),
        ...(wishes.all && { all: true }),
        ...(wishes.signal && { signal: wishes.signal }),
        ...(account && { account }),
        parent: parentConfig(wishes),
        target: `${wishes.tunnel ? 'https' : 'http'}://${origin.authority}`,
        proof(given) {
          proofs.push(given);
          const { secrets } = wishes;
          const proof = password === undefined ? undefined : { password };
          return Promise.resolve(secrets ? { secrets } : proof);
        },
        consent(question) {
          questions.push(question);
          return Promise.resolve(questions.length <= (wishes.yes ?? 0));
        },
      });
      return { ...(await collect(steps)), questions, proofs };
    },
  };
}

async function collect(
  generator: AsyncGenerator<DetectionStep, DetectionResult>,
): Promise<{ result: DetectionResult; steps: DetectionStep[] }> {
  const steps: DetectionStep[] = [];
  for (;;) {
    const next = await generator.next();
    if (next.done) return { result: next.value, steps };
    steps.push(next.value);
  }
}
