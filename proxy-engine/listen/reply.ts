import type { ProxyError } from '../errors.ts';
import type { RequestHead } from '../http1/request-head.ts';

const TITLES: Record<number, string> = {
  400: 'Bad Request',
  403: 'Forbidden',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  411: 'Length Required',
  414: 'URI Too Long',
  417: 'Expectation Failed',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
  508: 'Loop Detected',
};

/** The `Connection` lines of a reply, by what the client speaks and what it gets. */
export function writePersistence(minor: 0 | 1, keepAlive: boolean): string {
  if (!keepAlive) return 'Connection: close\r\n';
  return minor === 1 ? '' : 'Connection: keep-alive\r\nProxy-Connection: keep-alive\r\n';
}

/**
 * A failure as a whole reply: constant text around one sentence, as a page for browsers and as
 * plain text for everything else, with `Proxy-Status` for programs (RFC 9209).
 */
export function writeErrorReply(
  error: ProxyError,
  request: RequestHead | undefined,
  keepAlive: boolean,
): string {
  const title = TITLES[error.status] ?? 'Error';
  const isPage = wantsHtml(request);
  const body = request?.method === 'HEAD' ? '' : isPage ? toPage(error, title) : toText(error);
  return (
    `HTTP/1.1 ${error.status} ${title}\r\n` +
    `Content-Type: text/${isPage ? 'html' : 'plain'}; charset=utf-8\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\n` +
    `Cache-Control: no-store\r\n` +
    `Proxy-Status: gatepass; error=${error.proxyStatus}; details="${error.code}"\r\n` +
    (error.status === 405
      ? 'Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH, CONNECT\r\n'
      : '') +
    `${writePersistence(request?.minor ?? 1, keepAlive)}\r\n${body}`
  );
}

/** The answer to a request that ends here: OPTIONS to the proxy itself. */
export function writeNoContent(request: RequestHead, keepAlive: boolean): string {
  return `HTTP/1.1 204 No Content\r\n${writePersistence(request.minor, keepAlive)}\r\n`;
}

function wantsHtml(request: RequestHead | undefined): boolean {
  const accept = request?.fields.find(({ key }) => key === 'accept');
  return accept?.value.includes('text/html') ?? false;
}

function toText(error: ProxyError): string {
  return `Gatepass: ${error.message}\n`;
}

function toPage(error: ProxyError, title: string): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Gatepass: ${title}</title>
<style>
  body { font: 1rem/1.5 system-ui, sans-serif; max-width: 34rem; margin: 15vh auto; padding: 0 1rem }
  small { opacity: 0.7 }
</style>
<h1>This page could not be fetched</h1>
<p>${escapeHtml(error.message)}</p>
<p><small>Said by Gatepass, the proxy on this computer (${error.status} ${title}, ${error.code}).</small></p>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
