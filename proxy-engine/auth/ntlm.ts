import { randomBytes } from 'node:crypto';
import { ProxyError } from '../errors.ts';
import { writeAuthenticate } from '../ntlm/authenticate.ts';
import { readChallenge } from '../ntlm/challenge.ts';
import { channelBindings } from '../ntlm/channel-bindings.ts';
import { DIALECTS } from '../ntlm/dialect.ts';
import { ntlmv2Hash } from '../ntlm/hashes.ts';
import { writeNegotiate } from '../ntlm/negotiate.ts';
import { toFileTime } from '../ntlm/responses.ts';
import type { Credential, Dialect, Secrets } from '../protocol.ts';
import type { Authenticator } from './authenticator.ts';

export interface NtlmOptions {
  /** The name under which the tokens travel; they are raw NTLM either way. */
  readonly scheme: 'ntlm' | 'negotiate';
  readonly dialect: Dialect;
  /** Replaces the flags of the first message. */
  readonly flags?: number;
  readonly credential: Credential;
  /** `HTTP/host` of the parent. */
  readonly spn: string;
}

/** Throws `credentials-missing` if the credential lacks a hash that the dialect needs. */
export function createNtlmAuthenticator(options: NtlmOptions): Authenticator {
  const { scheme, dialect, credential, spn } = options;
  const secrets = usableSecrets(credential, dialect);
  const prefix = scheme === 'ntlm' ? 'NTLM ' : 'Negotiate ';
  const negotiate = writeNegotiate(dialect, options.flags);
  const first = prefix + negotiate.toString('base64');

  return {
    scheme,
    begin: () => ({
      first: () => first,
      answer(token, peerCertificate) {
        const message = writeAuthenticate({
          negotiate,
          challenge: readChallenge(token),
          account: credential,
          secrets,
          dialect,
          spn,
          ...(peerCertificate && { channelBindings: channelBindings(peerCertificate) }),
          clientChallenge: randomBytes(8),
          time: toFileTime(Date.now()),
        });
        return prefix + message.toString('base64');
      },
    }),
  };
}

/** An NT hash also serves NTLMv2, whose hash is made of it and the account's name. */
function usableSecrets(credential: Credential, dialect: Dialect): Secrets {
  const { secrets, user, domain } = credential;
  const ntlmv2 = secrets.ntlmv2 ?? (secrets.nt && ntlmv2Hash(secrets.nt, user, domain));
  const usable = ntlmv2 ? { ...secrets, ntlmv2 } : secrets;
  if (DIALECTS[dialect].needs.some((name) => !usable[name])) {
    throw new ProxyError(
      'credentials-missing',
      `No password is stored for the dialect ${dialect}; please enter it again.`,
    );
  }
  return usable;
}
