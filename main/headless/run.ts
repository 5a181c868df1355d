import { createEngine, type Engine } from '#engine/engine.ts';
import { ProxyError, systemCode } from '#engine/errors.ts';
import type {
  Account,
  AuthConfig,
  Credential,
  Endpoint,
  EngineConfig,
  EngineEvent,
  LogLevel,
  ParentConfig,
  Route,
} from '#engine/protocol.ts';
import type { LatchFile } from '#main/node/latch-file.ts';
import { admit, obtainSecrets, openLatches } from './credential.ts';
import { CommandError, EXIT, wrongUse, type ExitCode } from './exit.ts';
import { firstInterrupt } from './interrupt.ts';
import type { Output } from './output.ts';
import { showLog, showReady, warnOfGateway } from './run-report.ts';

export interface RunOptions {
  readonly parents: readonly ParentConfig[];
  readonly listeners: readonly Endpoint[];
  readonly route: Route;
  readonly noProxy: readonly string[];
  readonly auth: AuthConfig;
  readonly account: Account | undefined;
  readonly allowBasic: boolean;
  readonly hashFile: string | undefined;
  readonly logLevel: LogLevel;
  readonly stateDir: string | undefined;
  readonly tryAgain: boolean;
}

/** `gatepass run`: the proxy itself, until Ctrl-C. */
export async function run(options: RunOptions, output: Output): Promise<ExitCode> {
  checkOptions(options);
  const { account } = options;
  const latches = account && (await openLatches(options.stateDir, output));
  const credential = latches && (await obtainCredential(options, account, latches));
  const writes: Promise<void>[] = [];

  const engine = createEngine({
    logLevel: options.logLevel,
    emit(event) {
      report(event, output);
      if (event.type !== 'credential-rejected' || !latches) return;
      const latch = { id: event.credential, parent: event.parent, time: Date.now() };
      writes.push(latches.add(latch).catch(() => warnOfLostLatch(latches, output)));
    },
  });
  const interrupt = firstInterrupt();
  await start(engine, toConfig(options, credential));
  warnOfGateway(engine.addresses, options.account, output);
  showReady(engine.addresses, options, output);
  await interrupt;
  await drain(engine, output);
  await Promise.all(writes);
  return EXIT.worked;
}

function checkOptions({ parents, route, account, auth, allowBasic, hashFile }: RunOptions): void {
  if (parents.length === 0 && route !== 'direct') {
    throw wrongUse('No parent is given. Add --parent host:port, or --route direct.');
  }
  if (hashFile !== undefined && !account) {
    throw wrongUse("--hash-file needs to know whose hashes they are. Add --user 'DOMAIN\\user'.");
  }
  if (hashFile !== undefined && allowBasic) {
    throw wrongUse('Basic needs the password itself, not its hash. Leave out --hash-file.');
  }
  if (auth.scheme === 'basic' && !allowBasic) {
    throw wrongUse('Basic sends the password in clear text. Add --allow-basic if that may be.');
  }
}

async function obtainCredential(
  options: RunOptions,
  account: Account,
  latches: LatchFile,
): Promise<Credential> {
  const { dialect, scheme } = options.auth;
  const secrets = await obtainSecrets(account, { ...options, dialect, scheme });
  return admit(latches, account, secrets, options.tryAgain);
}

function toConfig(options: RunOptions, credential: Credential | undefined): EngineConfig {
  const { listeners, route, parents, noProxy, auth } = options;
  const latched: string[] = [];
  return { listeners, route, parents, noProxy, auth, latched, ...(credential && { credential }) };
}

async function start(engine: Engine, config: EngineConfig): Promise<void> {
  try {
    await engine.apply(config);
  } catch (error) {
    await engine.stop(0);
    if (!(error instanceof ProxyError) || systemCode(error.cause) === '') throw error;
    throw new CommandError(EXIT.failed, `${error.message} Choose another with --listen.`);
  }
}

function report(event: EngineEvent, output: Output): void {
  switch (event.type) {
    case 'log':
      showLog(event.entry, output);
      return;
    case 'credential-accepted':
      output.event({ event: 'credential-accepted', parent: event.parent });
      output.say(output.style('green', `Signed in to ${event.parent}.`));
      return;
    case 'credential-rejected':
      output.event({ event: 'credential-rejected', parent: event.parent });
      output.say(output.style('red', `${event.parent} refused the password.`));
      output.say('Press Ctrl-C, and start again with the current password.');
      return;
  }
}

function warnOfLostLatch({ path }: LatchFile, output: Output): void {
  output.note(
    `The refusal could not be noted in ${path}: after a restart the password is sent again.`,
  );
}

async function drain(engine: Engine, output: Output): Promise<void> {
  const open = engine.connections;
  output.event({ event: 'stopping', connections: open });
  if (open > 0) {
    const what = open === 1 ? '1 open connection' : `${open} open connections`;
    output.say(`Ending ${what}; press Ctrl-C again to stop at once.`);
  }
  await engine.stop();
  output.event({ event: 'stopped' });
  output.say('Stopped.');
}
