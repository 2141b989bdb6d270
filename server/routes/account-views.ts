import type { Moment } from '../format.ts';

export type AccountViews = {
  'auth/sign-in': { next: string };
  'auth/set-up': Record<never, never>;
  'auth/invitation': { token: string; email: string };
  'tokens/index': {
    tokens: {
      id: string;
      name: string;
      createdAt: Moment;
      expiresAt?: Moment;
      expired: boolean;
      lastUsedAt?: Moment;
    }[];
    /** Present only in the answer to its creation. */
    created?: { name: string; token: string; expiresAt?: Moment };
    /** Public origin, for the example call. */
    baseUrl: string;
  };
  'tokens/delete': { token: { id: string; name: string } };
};
