import { isIP, type Socket } from 'node:net';
import {
  connect,
  createSecureContext,
  getCACertificates,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import { ProxyError, systemCode } from '../errors.ts';
import type { ParentConfig } from '../protocol.ts';

/**
 * Speaks TLS over a connection to a parent. Its certificate must hold against the system's
 * authorities, those of Node, and the configured one.
 *
 * @throws ProxyError 'parent-tls', or the signal's reason
 */
export function startTls(
  socket: Socket,
  parent: ParentConfig,
  signal: AbortSignal,
): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const secure = connect({
      socket,
      ...(isIP(parent.host) === 0 && { servername: parent.host }),
      host: parent.host,
      secureContext: contextFor(parent),
      ALPNProtocols: ['http/1.1'],
    });
    const abort = (): void => {
      secure.destroy();
      reject(failure(parent, 'it did not finish the TLS handshake'));
    };
    const onError = (error: Error): void => {
      signal.removeEventListener('abort', abort);
      secure.destroy();
      reject(failure(parent, reasonOf(error), error));
    };
    secure.once('error', onError);
    secure.once('close', () => onError(new Error('closed')));
    secure.once('secureConnect', () => {
      signal.removeEventListener('abort', abort);
      secure.removeAllListeners('close');
      secure.removeListener('error', onError);
      resolve(secure);
    });
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}

/** Reading some hundred certificates takes milliseconds: once per configured parent. */
const contexts = new WeakMap<ParentConfig, SecureContext>();

function contextFor(parent: ParentConfig): SecureContext {
  const known = contexts.get(parent);
  if (known) return known;
  const context = createSecureContext({ ca: authorities(parent.tls?.ca) });
  contexts.set(parent, context);
  return context;
}

function authorities(extra: string | undefined): string[] {
  const known = [...getCACertificates('default'), ...getCACertificates('system')];
  return extra === undefined ? known : [...known, extra];
}

function reasonOf(error: Error): string {
  const code = systemCode(error);
  return code === '' ? 'the TLS handshake failed' : `the TLS handshake failed (${code})`;
}

function failure({ host, port }: ParentConfig, reason: string, cause?: unknown): ProxyError {
  return new ProxyError(
    'parent-tls',
    `The parent proxy ${host}:${port} cannot be used: ${reason}.`,
    {
      cause,
    },
  );
}
