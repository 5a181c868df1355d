/** How real parents misbehave, one switch each. All are off in `NO_QUIRKS`. */
export interface Quirks {
  /** Answers a request without credentials and closes the connection. */
  readonly closeAfterBare407: boolean;
  readonly closeAfterChallenge: boolean;
  /** How many Type 3 messages are met by closing the connection without a word. */
  readonly closeAfterType3: number;
  /** How many Type 3 messages are answered by a new challenge, unchecked, as after a restart. */
  readonly forgetType3: number;
  /** The page of a 407. `until-close` leaves challenges alone, which could not be answered then. */
  readonly body407: 'none' | 'length' | 'chunked' | 'huge' | 'until-close';
  /** Speaks HTTP/1.0: no chunked coding either way, kept alive only where the client asks. */
  readonly http10: boolean;
  /** Says and understands `Proxy-Connection`, and never `Connection`. */
  readonly proxyConnectionOnly: boolean;
  readonly noTargetInfo: boolean;
  /** Sets the flag for target information, and sends none. */
  readonly emptyTargetInfo: boolean;
  readonly avFlagsPresent: boolean;
  readonly oemChallenge: boolean;
  /** Does not grant extended session security. */
  readonly noEss: boolean;
  readonly noTimestamp: boolean;
  /** Sends Base64 that holds no NTLM message. */
  readonly garbageChallenge: boolean;
  /** Wants a new sign-in after so many requests of a connection; 0 is never. */
  readonly rechallengeAfter: number;
  /** Wants a sign-in for every request. */
  readonly perRequestAuth: boolean;
  /** Lets a request with a Type 1 through, as where the address is known already. */
  readonly openToType1: boolean;
  /** Answers a Type 1 that has a body, and never says anything again. */
  readonly hangOnBodyWithType1: boolean;
  readonly newChallengeInsteadOfRefusal: boolean;
  /** Sends its own heads in packets of so many bytes; 0 sends them whole. */
  readonly splitHeaders: number;
  readonly negotiateFirst: boolean;
  readonly negotiateOnly: boolean;
  readonly basicOnly: boolean;
  readonly noAuthenticateHeader: boolean;
  readonly lowerCaseNames: boolean;
  readonly extraSpaces: boolean;
  /** So many wrong passwords lock a user out, even with the right one; 0 is never. */
  readonly lockoutThreshold: number;
}

/** A parent that behaves as Squid does. */
export const NO_QUIRKS: Quirks = {
  closeAfterBare407: false,
  closeAfterChallenge: false,
  closeAfterType3: 0,
  forgetType3: 0,
  body407: 'length',
  http10: false,
  proxyConnectionOnly: false,
  noTargetInfo: false,
  emptyTargetInfo: false,
  avFlagsPresent: false,
  oemChallenge: false,
  noEss: false,
  noTimestamp: false,
  garbageChallenge: false,
  rechallengeAfter: 0,
  perRequestAuth: false,
  openToType1: false,
  hangOnBodyWithType1: false,
  newChallengeInsteadOfRefusal: false,
  splitHeaders: 0,
  negotiateFirst: false,
  negotiateOnly: false,
  basicOnly: false,
  noAuthenticateHeader: false,
  lowerCaseNames: false,
  extraSpaces: false,
  lockoutThreshold: 0,
};
