/** A request as a foreign parser understood it; `body` is latin1. */
export interface Understood {
  readonly method: string;
  readonly target: string;
  readonly body: string;
  readonly complete: boolean;
}

export interface Verdict {
  readonly messages: readonly Understood[];
  /** The parser's complaint, if it refused the bytes. */
  readonly problem: string | null;
}

/** A parser that is none of ours. */
export interface Oracle {
  readonly name: string;
  /** How it understands what one connection carried; `end` if the sender closed it after that. */
  understand(bytes: Buffer, end: boolean): Promise<Verdict>;
  close(): Promise<void>;
}
