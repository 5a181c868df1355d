/**
 * What the engine and its host say to each other: plain data, types only.
 * The one file of this layer that other layers may name.
 */

export type Dialect = 'ntlmv2' | 'ntlm2sr' | 'nt' | 'ntlm' | 'lm';
export type Scheme = 'ntlm' | 'negotiate' | 'basic' | 'none';
export type Route = 'parents' | 'parents-if-reachable' | 'direct';

export interface Endpoint {
  /** A name, or an IPv4 or IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
}

/** A corporate proxy. */
export interface ParentConfig extends Endpoint {
  /** Speak TLS to it; `ca` holds extra trusted certificates in PEM. */
  readonly tls?: { readonly ca?: string };
}

/** The hashes a dialect needs (16 bytes each), or the password itself for a Basic parent. */
export interface Secrets {
  readonly lm?: Uint8Array;
  readonly nt?: Uint8Array;
  readonly ntlmv2?: Uint8Array;
  /** UTF-8. Present only when the person agreed to send it in clear text. */
  readonly password?: Uint8Array;
}

export interface Account {
  readonly user: string;
  readonly domain: string;
  readonly workstation: string;
}

export interface Credential extends Account {
  /**
   * Names this very secret: another password must come with another id. The latch is kept by it,
   * so an id never carries anything a password could be guessed from.
   */
  readonly id: string;
  readonly secrets: Secrets;
}

export interface AuthConfig {
  /** `auto`: the strongest usable one of what the parent offers. */
  readonly scheme: Scheme | 'auto';
  readonly dialect: Dialect;
  /** Replaces the flags of the first message; only for parents that insist. */
  readonly flags?: number;
}

export interface EngineConfig {
  readonly listeners: readonly Endpoint[];
  readonly route: Route;
  /** In order of preference. */
  readonly parents: readonly ParentConfig[];
  /** Globs, suffixes, CIDR blocks, `host:port`, `<local>`; see route/no-proxy.ts. */
  readonly noProxy: readonly string[];
  readonly auth: AuthConfig;
  readonly credential?: Credential;
  /** Ids of credentials a parent has refused, as kept by the host. */
  readonly latched: readonly string[];
}

export type LogLevel = 'error' | 'warn' | 'info' | 'debug';

export interface LogEntry {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly level: LogLevel;
  /** A whole sentence; never a header, a token or a password. */
  readonly text: string;
}

/** What the engine tells its host, unasked. */
export type EngineEvent =
  | { readonly type: 'log'; readonly entry: LogEntry }
  | { readonly type: 'credential-accepted'; readonly credential: string; readonly parent: string }
  | { readonly type: 'credential-rejected'; readonly credential: string; readonly parent: string };
