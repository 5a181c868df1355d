import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Oracle, Understood } from './oracle.ts';

/** Node's own parser, llhttp, as strict as it comes. */
export async function createLlhttpOracle(): Promise<Oracle> {
  let messages: Understood[] = [];
  let problem: string | null = null;

  const read = (request: IncomingMessage, answer: () => void): void => {
    const at = messages.length;
    const seen = { method: request.method ?? '', target: request.url ?? '', body: '' };
    messages.push({ ...seen, complete: false });
    request.on('data', (bytes: Buffer) => (seen.body += bytes.toString('latin1')));
    request.on('end', () => {
      messages[at] = { ...seen, complete: true };
      answer();
    });
    request.on('error', () => (messages[at] = { ...seen, complete: false }));
  };
  const server = createServer({
    insecureHTTPParser: false,
    maxHeaderSize: 1 << 20,
    requireHostHeader: true,
    keepAliveTimeout: 0,
  });
  server.maxHeadersCount = 0;
  server.on('request', (request, response) => read(request, () => response.end()));
  server.on('checkContinue', (request: IncomingMessage, response) =>
    read(request, () => response.end()),
  );
  // Without a listener the connection would be given up; with one its bytes are no longer HTTP.
  server.on('connect', (request: IncomingMessage, socket) => {
    messages.push({ method: 'CONNECT', target: request.url ?? '', body: '', complete: true });
    socket.end();
  });
  server.on('clientError', (error, socket) => {
    problem = error.message;
    socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;

  return {
    name: 'llhttp',
    async understand(bytes) {
      messages = [];
      problem = null;
      const socket = connect(port, '127.0.0.1');
      socket.on('error', () => socket.destroy());
      socket.resume();
      socket.end(bytes);
      await once(socket, 'close');
      return { messages, problem };
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
