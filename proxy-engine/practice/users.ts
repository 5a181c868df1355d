import type { PracticeStats } from './stats.ts';

export interface PracticeUser {
  readonly domain: string;
  readonly user: string;
  readonly password: string;
}

export interface Users {
  /** Finds a user by any case of the name; an empty domain is every domain. */
  find(user: string, domain: string): PracticeUser | undefined;
  /** Counts a wrong password. */
  countWrong(user: PracticeUser): void;
  /** Forgets them, as a domain controller does after the right one. */
  countRight(user: PracticeUser): void;
  isLocked(user: PracticeUser): boolean;
}

/** Keeps the users of a practice parent and their wrong passwords; a threshold of 0 locks nobody. */
export function createUsers(
  users: readonly PracticeUser[],
  stats: PracticeStats,
  lockoutThreshold: number,
): Users {
  const locked = new Set<PracticeUser>();
  const running = new Map<PracticeUser, number>();
  return {
    find: (user, domain) =>
      users.find(
        (candidate) =>
          sameName(candidate.user, user) && (domain === '' || sameName(candidate.domain, domain)),
      ),
    countWrong(user) {
      const key = user.user.toLowerCase();
      stats.refused.set(key, (stats.refused.get(key) ?? 0) + 1);
      const count = (running.get(user) ?? 0) + 1;
      running.set(user, count);
      if (lockoutThreshold > 0 && count >= lockoutThreshold) locked.add(user);
    },
    countRight: (user) => void running.delete(user),
    isLocked: (user) => locked.has(user),
  };
}

function sameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}
