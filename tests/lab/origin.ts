import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { once } from 'node:events';
import { join } from 'node:path';
import { serveGit } from './git-origin.ts';
import { run } from './run.ts';
import { portOf } from './wiretap.ts';

/** What real clients fetch and send to: a page with many objects, an upload, a git repository. */
export interface Origin {
  /** `http://127.0.0.1:port` and `https://localhost:port`. */
  readonly url: string;
  readonly tlsUrl: string;
  /** The self-signed certificate of the second, a PEM file. */
  readonly certificate: string;
  /** Every request so far, as `METHOD /path`. */
  readonly requests: readonly string[];
  close(): Promise<void>;
}

export const OBJECTS = 100;

/** Milliseconds. */
const SLOW = 2000;

/** The page counts what it really got, and writes it where `--dump-dom` shows it. */
const PAGE = `<!doctype html><title>objects</title>
<body data-loaded="none">${Array.from(
  { length: OBJECTS },
  (_, index) => `<img src="/object/${index}.svg" width="8" height="8">`,
).join('\n')}
<script>
  const whole = (image) => image.complete && image.naturalWidth > 0;
  const count = () => [...document.images].filter(whole).length;
  addEventListener('load', () => { document.body.dataset.loaded = String(count()); });
</script>`;

const IMAGE = `<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8"/></svg>`;

/** Serves until it is closed. `directory` takes the certificate; `repositories` are git's. */
export async function createOrigin(directory: string, repositories: string): Promise<Origin> {
  const [key, certificate] = [join(directory, 'origin.key'), join(directory, 'origin.crt')];
  await createCertificate(key, certificate);
  const requests: string[] = [];
  const answer = (request: IncomingMessage, reply: ServerResponse): void => {
    requests.push(`${request.method} ${request.url}`);
    serve(request, reply, repositories);
  };
  const plain = createServer(answer);
  const tls = createTlsServer(
    { key: await readFile(key), cert: await readFile(certificate) },
    answer,
  );
  const [port, tlsPort] = [await start(plain), await start(tls)];
  return {
    url: `http://127.0.0.1:${port}`,
    tlsUrl: `https://localhost:${tlsPort}`,
    certificate,
    requests,
    async close() {
      for (const server of [plain, tls]) {
        server.closeAllConnections();
        server.close();
        await once(server, 'close');
      }
    },
  };
}

async function createCertificate(key: string, certificate: string): Promise<void> {
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  const files = ['-keyout', key, '-out', certificate];
  const kind = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-sha256', '-days', '2'];
  await run('openssl', ['req', ...kind, ...names, ...files]);
}

async function start(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return portOf(server.address());
}

function serve(request: IncomingMessage, reply: ServerResponse, repositories: string): void {
  const path = request.url ?? '/';
  if (path.startsWith('/git/')) serveGit(request, reply, repositories);
  else if (request.method === 'POST' || request.method === 'PUT') countBody(request, reply);
  else if (path === '/page') send(reply, 'text/html', PAGE);
  else if (path.startsWith('/object/')) send(reply, 'image/svg+xml', IMAGE);
  else send(reply, 'text/plain', `you asked for ${path}\n`);
}

function send(reply: ServerResponse, type: string, body: string): void {
  reply.setHeader('Content-Type', type);
  reply.end(body);
}

/** Answers an upload with its length. What is sent to `/slow` waits a moment before it is read. */
function countBody(request: IncomingMessage, reply: ServerResponse): void {
  let length = 0;
  const read = (): void => {
    request.on('data', (bytes: Buffer) => {
      length += bytes.length;
    });
    request.on('end', () => reply.end(`${length} bytes\n`));
  };
  if (request.url === '/slow') setTimeout(read, SLOW);
  else read();
}
