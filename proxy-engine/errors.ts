/**
 * Every way a proxied exchange can fail: the status its client is sent, and the RFC 9209 error
 * type that names the cause to a program.
 */
const CODES = {
  'bad-request': { status: 400, proxyStatus: 'http_protocol_error' },
  'request-timeout': { status: 408, proxyStatus: 'http_request_error' },
  'length-required': { status: 411, proxyStatus: 'http_request_error' },
  'target-too-long': { status: 414, proxyStatus: 'http_request_error' },
  'expectation-failed': { status: 417, proxyStatus: 'http_request_error' },
  'head-too-large': { status: 431, proxyStatus: 'http_request_error' },
  'method-not-allowed': { status: 405, proxyStatus: 'http_request_denied' },
  'not-implemented': { status: 501, proxyStatus: 'http_request_error' },
  'version-not-supported': { status: 505, proxyStatus: 'http_request_error' },
  'own-address': { status: 403, proxyStatus: 'destination_ip_prohibited' },
  loop: { status: 508, proxyStatus: 'proxy_loop_detected' },
  'target-not-found': { status: 502, proxyStatus: 'dns_error' },
  'target-unreachable': { status: 502, proxyStatus: 'destination_unavailable' },
  'target-refused': { status: 502, proxyStatus: 'connection_refused' },
  'target-timeout': { status: 504, proxyStatus: 'connection_timeout' },
  'reply-broken': { status: 502, proxyStatus: 'http_protocol_error' },
  'reply-incomplete': { status: 502, proxyStatus: 'http_response_incomplete' },
  'reply-head-too-large': { status: 502, proxyStatus: 'http_response_header_section_size' },
  'reply-timeout': { status: 504, proxyStatus: 'http_response_timeout' },
  'no-parent': { status: 502, proxyStatus: 'proxy_configuration_error' },
  'parent-not-found': { status: 502, proxyStatus: 'dns_error' },
  'parent-unreachable': { status: 502, proxyStatus: 'destination_unavailable' },
  'parent-refused': { status: 502, proxyStatus: 'connection_refused' },
  'parent-timeout': { status: 504, proxyStatus: 'connection_timeout' },
  'parent-tls': { status: 502, proxyStatus: 'tls_certificate_error' },
  'parent-closes-during-sign-in': { status: 502, proxyStatus: 'connection_terminated' },
  'parent-scheme': { status: 502, proxyStatus: 'proxy_configuration_error' },
  'parent-asked-again': { status: 502, proxyStatus: 'proxy_configuration_error' },
  'challenge-unreadable': { status: 502, proxyStatus: 'http_protocol_error' },
  'credentials-missing': { status: 502, proxyStatus: 'proxy_configuration_error' },
  'credentials-rejected': { status: 502, proxyStatus: 'proxy_configuration_error' },
  'sign-in-unclear': { status: 502, proxyStatus: 'proxy_configuration_error' },
  'hash-impossible': { status: 502, proxyStatus: 'proxy_configuration_error' },
  'bad-configuration': { status: 500, proxyStatus: 'proxy_configuration_error' },
  stopped: { status: 503, proxyStatus: 'proxy_internal_response' },
  internal: { status: 500, proxyStatus: 'proxy_internal_error' },
} as const;

export type ProxyErrorCode = keyof typeof CODES;

/** A failure with a name. The message is one sentence for a person and never holds a secret. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
  readonly code: ProxyErrorCode;

  constructor(code: ProxyErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }

  get status(): number {
    return CODES[this.code].status;
  }

  /** The error type of RFC 9209 §2.3. */
  get proxyStatus(): string {
    return CODES[this.code].proxyStatus;
  }
}

/** Turns whatever was thrown into a ProxyError; an unknown failure is ours, and says so. */
export function toProxyError(error: unknown): ProxyError {
  if (error instanceof ProxyError) return error;
  return new ProxyError('internal', 'Gatepass met an unexpected error.', { cause: error });
}

/** The system's code of an error (`ECONNREFUSED`), or an empty string. */
export function systemCode(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}
