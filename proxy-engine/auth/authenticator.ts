import type { Scheme } from '../protocol.ts';

/** One way to sign in to a parent, for one credential; it holds no state of any connection. */
export interface Authenticator {
  readonly scheme: Scheme;
  /** Starts one attempt, which belongs to one connection. */
  begin(): Attempt;
}

export interface Attempt {
  /** The Proxy-Authorization value of the first request, or undefined if it carries none. */
  first(): string | undefined;
  /**
   * The value that answers a challenge; the certificate (DER) is that of a parent reached over TLS.
   * Throws `challenge-unreadable`, or `parent-scheme` where the parent refused what is needed.
   */
  answer(token: Buffer, peerCertificate?: Buffer): string;
}
