import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { firstLine, freePort, listening, type Running, start } from './processes.ts';

export type ProxyName = 'gatepass' | 'cntlm' | 'haproxy';
export type PeerName = ProxyName | 'parent';

/** A proxy under load. */
export interface Peer {
  readonly name: PeerName;
  readonly port: number;
  readonly running: Running;
}

export interface Parent {
  readonly running: Running;
  /** Wants NTLM on every connection. */
  readonly authPort: number;
  /** Wants nothing: for HAProxy, which has no NTLM, and for the parent's own figures. */
  readonly openPort: number;
}

/** Any hash will do: the bench's parent believes every Type 3. */
const HASH = '0123456789ABCDEF0123456789ABCDEF';

/** Starts bench/parent.c. */
export async function startParent(): Promise<Parent> {
  const running = start('node_modules/.cache/bench/parent', [], { output: true });
  const ports = /^auth (\d+) open (\d+)$/.exec(await firstLine(running));
  if (ports === null) throw new Error('The parent did not tell its ports.');
  return { running, authPort: Number(ports[1]), openPort: Number(ports[2]) };
}

type Starter = (parent: Parent, port: number, folder: string) => Running;

const starters: Readonly<Record<ProxyName, Starter>> = {
  gatepass(parent, port, folder) {
    const words = process.env['GATEPASS_BENCH_COMMAND']?.split(' ').filter(Boolean) ?? [];
    const [command = process.execPath, ...rest] = words;
    const hashFile = write(folder, 'gatepass.hash', `PassNTLMv2 ${HASH}\n`);
    const account = ['--user', String.raw`LAB\alice`, '--hash-file', hashFile];
    const route = ['--listen', `127.0.0.1:${port}`, '--parent', `127.0.0.1:${parent.authPort}`];
    const run = ['run', ...route, ...account, '--dialect', 'ntlmv2'];
    return start(command, [...(words.length > 0 ? rest : ['dist/cli.js']), ...run], {
      environment: homeIn(folder),
    });
  },
  cntlm(parent, port, folder) {
    const lines = ['Username alice', 'Domain LAB', 'Workstation BENCH', 'Auth NTLMv2'];
    lines.push(`PassNTLMv2 ${HASH}`, `Proxy 127.0.0.1:${parent.authPort}`);
    lines.push(`Listen 127.0.0.1:${port}`, '');
    return start('cntlm', ['-f', '-c', write(folder, `cntlm-${port}.conf`, lines.join('\n'))]);
  },
  haproxy(parent, port, folder) {
    const file = write(folder, `haproxy-${port}.cfg`, haproxyConfig(parent.openPort, port));
    return start('haproxy', ['-db', '-f', file]);
  },
};

/** Starts a fresh process and resolves when it listens. */
export async function startPeer(name: ProxyName, parent: Parent, folder: string): Promise<Peer> {
  const port = await freePort();
  const running = starters[name](parent, port, folder);
  await listening(name, running, port);
  return { name, port, running };
}

function haproxyConfig(parentPort: number, port: number): string {
  return `global
  nbthread 1
  maxconn 8000
defaults
  mode http
  http-reuse always
  option http-keep-alive
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
frontend clients
  bind 127.0.0.1:${port}
  default_backend parent
backend parent
  server parent 127.0.0.1:${parentPort}
`;
}

/** The settings, keyring and control socket of the person who runs the bench stay out of it. */
function homeIn(folder: string): NodeJS.ProcessEnv {
  const home = join(folder, 'home');
  mkdirSync(home, { recursive: true, mode: 0o700 });
  return {
    HOME: home,
    XDG_CONFIG_HOME: join(home, 'config'),
    XDG_STATE_HOME: join(home, 'state'),
    XDG_DATA_HOME: join(home, 'data'),
    XDG_CACHE_HOME: join(home, 'cache'),
    XDG_RUNTIME_DIR: home,
  };
}

function write(folder: string, name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  chmodSync(path, 0o600);
  return path;
}
