import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { run } from './run.ts';

const BACKEND = '/usr/lib/git-core/git-http-backend';
const END_OF_HEAD = '\r\n\r\n';

/** Git must not see the configuration of whoever runs the tests. */
export function gitEnvironment(home: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    HOME: home,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_AUTHOR_NAME: 'lab',
    GIT_AUTHOR_EMAIL: 'lab@localhost',
    GIT_COMMITTER_NAME: 'lab',
    GIT_COMMITTER_EMAIL: 'lab@localhost',
  };
}

/** A repository named `project.git` with one commit of a few megabytes that do not compress. */
export async function createRepository(repositories: string): Promise<void> {
  const work = join(repositories, 'work');
  const env = gitEnvironment(repositories);
  await mkdir(work, { recursive: true });
  await writeFile(join(work, 'large.bin'), randomBytes(4 << 20));
  await run('git', ['init', '-q', '-b', 'main'], { cwd: work, env });
  await run('git', ['add', '.'], { cwd: work, env });
  await run('git', ['commit', '-q', '-m', 'one'], { cwd: work, env });
  const bare = join(repositories, 'project.git');
  await run('git', ['clone', '-q', '--bare', work, bare], { env });
}

/** Answers by git's own CGI program, RFC 3875. */
export function serveGit(
  request: IncomingMessage,
  reply: ServerResponse,
  repositories: string,
): void {
  const { pathname, search } = new URL(request.url ?? '/', 'http://localhost');
  const child = spawn(BACKEND, {
    env: {
      ...gitEnvironment(repositories),
      GIT_PROJECT_ROOT: repositories,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: pathname.slice('/git'.length),
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REMOTE_ADDR: '127.0.0.1',
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  request.pipe(child.stdin);
  child.stdin.on('error', () => request.unpipe(child.stdin));
  let head = '';
  child.stdout.on('data', (bytes: Buffer) => {
    if (reply.headersSent) {
      reply.write(bytes);
      return;
    }
    head += bytes.toString('latin1');
    const end = head.indexOf(END_OF_HEAD);
    if (end === -1) return;
    writeHead(reply, head.slice(0, end));
    reply.write(Buffer.from(head.slice(end + END_OF_HEAD.length), 'latin1'));
  });
  child.stdout.on('end', () => reply.end());
}

function writeHead(reply: ServerResponse, head: string): void {
  for (const line of head.split('\r\n')) {
    const [name = '', value = ''] = line.split(': ');
    if (name.toLowerCase() === 'status') reply.statusCode = Number.parseInt(value, 10);
    else reply.setHeader(name, value);
  }
  reply.flushHeaders();
}
