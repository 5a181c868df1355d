import { nameTrial } from '#engine/detect/trials.ts';
import type { Account, Endpoint, LogEntry, Route } from '#engine/protocol.ts';
import { showAccount } from './credential.ts';
import type { Output } from './output.ts';
import { isLoopback, showEndpoint } from './parse.ts';
import type { RunOptions } from './run.ts';
import { exportLines } from './shell.ts';

/** Tells where Gatepass listens, what it does with requests, and what to paste. */
export function showReady(
  addresses: readonly Endpoint[],
  options: RunOptions,
  output: Output,
): void {
  const { account, auth, route } = options;
  const parents = options.parents.map(showEndpoint);
  output.event({
    event: 'ready',
    listeners: addresses.map(showEndpoint),
    route,
    parents,
    scheme: auth.scheme,
    dialect: auth.dialect,
    ...(account && { user: showAccount(account) }),
  });
  const [first] = addresses;
  output.say(
    output.style('bold', `Gatepass listens on ${addresses.map(showEndpoint).join(', ')}.`),
  );
  output.say(tellRoute(route, parents));
  if (route !== 'direct') output.say(tellAccount(options));
  if (!first) return;
  output.say();
  output.say('Paste this into the terminal where your programs run:');
  for (const line of exportLines(showEndpoint(reachable(first)), process.platform)) {
    output.say(`  ${line}`);
  }
  output.say();
  output.say('Ctrl-C ends it.');
}

function tellRoute(route: Route, parents: readonly string[]): string {
  const list = parents.join(', then ');
  switch (route) {
    case 'parents':
      return `Requests go to the parent proxy ${list}.`;
    case 'parents-if-reachable':
      return `Requests go to the parent proxy ${list}, or straight to their target while none can be reached.`;
    case 'direct':
      return 'Requests go straight to their target.';
  }
}

function tellAccount({ account, auth }: RunOptions): string {
  if (!account) return 'No sign-in is configured; add --user if the parent proxy asks for one.';
  const { scheme, dialect } = auth;
  const name = nameTrial(scheme === 'basic' ? { scheme } : { scheme: 'ntlm', dialect });
  return `There it signs in as ${showAccount(account)} with ${name}, once a request comes.`;
}

/** What a program on this computer connects to. */
function reachable({ host, port }: Endpoint): Endpoint {
  if (host === '0.0.0.0') return { host: '127.0.0.1', port };
  return { host: host === '::' ? '::1' : host, port };
}

/** Says loudly that other computers can use this one's sign-in. */
export function warnOfGateway(
  addresses: readonly Endpoint[],
  account: Account | undefined,
  output: Output,
): void {
  const open = addresses.filter((address) => !isLoopback(address)).map(showEndpoint);
  if (open.length === 0) return;
  const as = account ? `, signed in as ${showAccount(account)}` : '';
  output.note(
    output.style('yellow', `WARNING: other computers can connect to ${open.join(', ')}.`),
  );
  output.note(`Whoever does goes out through it${as}. Unless you want that, listen on 127.0.0.1.`);
}

export function showLog({ time, level, text }: LogEntry, output: Output): void {
  output.event({ event: 'log', time: new Date(time).toISOString(), level, text });
  if (output.json) return;
  const clock = new Date(time).toTimeString().slice(0, 8);
  output.note(`${clock} ${level.padEnd(5)} ${text}`);
}
