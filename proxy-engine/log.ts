import type { LogEntry, LogLevel } from './protocol.ts';

/**
 * Writes sentences. There is no parameter that could take a header, a token or a buffer, so none
 * can get into a log.
 */
export interface Log {
  error(sentence: string): void;
  warn(sentence: string): void;
  info(sentence: string): void;
  /** Takes a function: a sentence per request is only made where somebody reads it. */
  debug(sentence: () => string): void;
}

const ORDER: Record<LogLevel, number> = { error: 0, warn: 1, info: 2, debug: 3 };

export function createLog(level: LogLevel, emit: (entry: LogEntry) => void): Log {
  const highest = ORDER[level];

  function write(entryLevel: LogLevel, text: string): void {
    if (ORDER[entryLevel] <= highest) emit({ time: Date.now(), level: entryLevel, text });
  }

  return {
    error: (sentence) => write('error', sentence),
    warn: (sentence) => write('warn', sentence),
    info: (sentence) => write('info', sentence),
    debug(sentence) {
      if (highest >= ORDER.debug) write('debug', sentence());
    },
  };
}
