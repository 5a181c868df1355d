import { createBasicAuthenticator } from '../auth/basic.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import { createNtlmAuthenticator } from '../auth/ntlm.ts';
import type { Offer } from '../auth/offered.ts';
import { ProxyError } from '../errors.ts';
import type { AuthConfig, Credential, ParentConfig, Scheme } from '../protocol.ts';

/** Which scheme one parent is spoken to with. It starts with what is configured, and may learn. */
export interface Schemes {
  /** Undefined where nothing is to be sent. */
  readonly current: Authenticator | undefined;
  /**
   * Looks at what a 407 offers. Returns true when another scheme than the current one is to be
   * used from now on; nothing has been spent then.
   *
   * @throws ProxyError 'parent-scheme' or 'credentials-missing' where none of them can be used
   */
  learn(offers: readonly Offer[]): boolean;
}

/** Strongest first; Basic only where the password itself was handed over for it. */
const PREFERENCE = ['ntlm', 'negotiate', 'basic'] as const;

export function createSchemes(
  parent: ParentConfig,
  auth: AuthConfig,
  credential: Credential | undefined,
): Schemes {
  const spn = `HTTP/${parent.host}`;
  let current = first();

  function first(): Authenticator | undefined {
    if (!credential || auth.scheme === 'none') return undefined;
    if (auth.scheme !== 'auto') return create(auth.scheme, credential);
    return create(
      credential.secrets.password && !hasHash(credential) ? 'basic' : 'ntlm',
      credential,
    );
  }

  function create(scheme: Scheme, from: Credential): Authenticator | undefined {
    switch (scheme) {
      case 'none':
        return undefined;
      case 'basic':
        return createBasicAuthenticator(from);
      case 'ntlm':
      case 'negotiate':
        return createNtlmAuthenticator({
          scheme,
          dialect: auth.dialect,
          ...(auth.flags !== undefined && { flags: auth.flags }),
          credential: from,
          spn,
        });
    }
  }

  return {
    get current() {
      return current;
    },
    learn(offers) {
      if (current && offers.some(({ scheme }) => scheme === current?.scheme)) return false;
      if (!credential) throw missing(offers);
      const usable = PREFERENCE.find((scheme) => isUsable(scheme, credential, offers));
      if (auth.scheme !== 'auto' || usable === undefined) throw notSpoken(offers);
      current = create(usable, credential);
      return true;
    },
  };
}

function hasHash({ secrets }: Credential): boolean {
  return secrets.lm !== undefined || secrets.nt !== undefined || secrets.ntlmv2 !== undefined;
}

function isUsable(scheme: Scheme, credential: Credential, offers: readonly Offer[]): boolean {
  if (!offers.some((offer) => offer.scheme === scheme)) return false;
  return scheme === 'basic' ? credential.secrets.password !== undefined : hasHash(credential);
}

function missing(offers: readonly Offer[]): ProxyError {
  return new ProxyError(
    'credentials-missing',
    `The parent proxy asks for a sign-in (${names(offers)}), and Gatepass has no account for it.`,
  );
}

function notSpoken(offers: readonly Offer[]): ProxyError {
  if (offers.length === 0) {
    return new ProxyError(
      'parent-scheme',
      'The parent proxy asks for a sign-in without saying how.',
    );
  }
  return new ProxyError(
    'parent-scheme',
    `The parent proxy offers ${names(offers)}; none of it can be used with these settings.`,
  );
}

function names(offers: readonly Offer[]): string {
  return [...new Set(offers.map(({ scheme }) => scheme))].slice(0, 6).join(', ') || 'nothing';
}
