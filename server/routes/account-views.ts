import type { IdentityProviderId } from '../../providers/identity-provider.ts';
import type { Moment } from '../format.ts';

export type AccountViews = {
  /** `providers`: services whose accounts people may sign in with. */
  'auth/sign-in': { next: string; providers: { id: IdentityProviderId; label: string }[] };
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
