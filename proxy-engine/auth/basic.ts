import { ProxyError } from '../errors.ts';
import type { Credential } from '../protocol.ts';
import type { Authenticator } from './authenticator.ts';

/** Basic in UTF-8, RFC 7617. Throws `credentials-missing` if no password may be sent as it is. */
export function createBasicAuthenticator(credential: Credential): Authenticator {
  const { user, domain, secrets } = credential;
  if (!secrets.password) {
    throw new ProxyError(
      'credentials-missing',
      'The parent proxy wants the password itself (Basic), and none is stored for that.',
    );
  }
  const name = domain === '' ? user : `${domain}\\${user}`;
  if (name.includes(':')) {
    throw new ProxyError('bad-configuration', 'A user name for Basic cannot contain a colon.');
  }
  const pair = Buffer.concat([Buffer.from(`${name}:`), secrets.password]);
  const value = `Basic ${pair.toString('base64')}`;
  pair.fill(0);

  return {
    scheme: 'basic',
    begin: () => ({
      first: () => value,
      answer() {
        throw new ProxyError('parent-scheme', 'The parent proxy sent a challenge for Basic.');
      },
    }),
  };
}
