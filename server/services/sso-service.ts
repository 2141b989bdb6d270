import { createHash, randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { ProviderError } from '../../providers/errors.ts';
import {
  IDENTITY_PROVIDER_LABELS,
  IDENTITY_PROVIDERS,
  type IdentityProvider,
  type IdentityProviderId,
} from '../../providers/identity-provider.ts';
import type { Config } from '../config.ts';
import type { Database } from '../database/database.ts';
import type { Egress } from '../egress/egress.ts';
import { AppError, BadRequestError } from '../errors.ts';
import { paths } from '../paths.ts';
import { consumeOAuthState, insertOAuthState } from '../stores/oauth-state-store.ts';
import type { Vault } from '../vault/vault.ts';
import type { ConnectionService } from './connection-service.ts';
import type { IdentityService, Recognised } from './identity-service.ts';
import { bounded, toAppError } from './provider-failures.ts';
import type { User } from './user-service.ts';

/** What a trip to the service and back has come to. `returnTo` is the page that was asked for when it began. */
export type SsoOutcome =
  | ({ kind: 'signed_in'; returnTo: string } & Recognised)
  | { kind: 'linked' }
  | { kind: 'failed'; error: AppError; returnTo?: string };

/** Sign-in with an account of another service: authorization code with PKCE, for who the person is and nothing more. */
export type SsoService = {
  /** The services that people may sign in with, in the order pages show them. */
  providers: { id: IdentityProviderId; label: string }[];
  /** Begins a sign-in, or with `user` a link. Gives the service's sign-in page. Errors: AppError 404 for one that is off. */
  start(provider: string, options: { sessionId: string; user?: User; returnTo?: string }): Promise<{ url: string }>;
  /** Ends it with what the service sent back. What it gave is dropped. Errors: AppError 404 likewise; failures are outcomes. */
  finish(
    provider: string,
    options: { sessionId: string; user?: User; query: { state?: string; code?: string; error?: string } },
  ): Promise<SsoOutcome>;
};

/** As long as a state of a connection. */
const STATE_SECONDS = 600;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export function createSsoService(deps: {
  config: Config;
  database: Database;
  vault: Vault;
  providers: Map<IdentityProviderId, IdentityProvider>;
  identities: IdentityService;
  connections: ConnectionService;
  egress: Egress;
  logger: Logger;
}): SsoService {
  const { config, database, vault, providers, identities, connections, egress, logger } = deps;

  /** Errors: AppError 404. */
  function providerOf(name: string): IdentityProvider {
    const provider = providers.get(name as IdentityProviderId);
    if (!provider)
      throw new AppError(404, 'not_found', 'This hub has no sign-in with that service. Sign in in another way.');
    return provider;
  }

  /** Who came back with the code. Errors: ProviderError, EgressError, AppError. */
  async function identify(
    provider: IdentityProvider,
    request: { code: string; codeVerifier: string; redirectUri: string },
  ) {
    const label = IDENTITY_PROVIDER_LABELS[provider.id];
    const tokens = await bounded(provider.exchange(request, egress.fetch), label);
    return bounded(provider.identify(connections.openWith(tokens)), label);
  }

  return {
    providers: IDENTITY_PROVIDERS.filter((id) => providers.has(id)).map((id) => ({
      id,
      label: IDENTITY_PROVIDER_LABELS[id],
    })),

    async start(name, { sessionId, user, returnTo }) {
      const provider = providerOf(name);
      const state = randomBytes(32).toString('base64url');
      const codeVerifier = randomBytes(48).toString('base64url');
      // One for each service, so that none can pass off its code as another's (RFC 9700 section 4.4.2).
      const redirectUri = config.baseUrl + paths.ssoCallback(provider.id);
      const stateHash = sha256(state);
      await insertOAuthState(
        database.current(),
        {
          stateHash,
          userId: user?.id,
          sessionHash: sha256(sessionId),
          platform: provider.id,
          sealedVerifier: vault.seal(codeVerifier, `oauth_states:${stateHash}`),
          redirectUri,
          returnTo,
        },
        STATE_SECONDS,
      );
      return { url: await provider.authorizationUrl({ state, codeVerifier, redirectUri }) };
    },

    async finish(name, { sessionId, user, query }) {
      const provider = providerOf(name);
      const label = IDENTITY_PROVIDER_LABELS[provider.id];
      const stateHash = sha256(query.state ?? '');
      const state = await consumeOAuthState(database.current(), {
        stateHash,
        userId: user?.id,
        sessionHash: sha256(sessionId),
        platform: provider.id,
      });
      if (!state) return { kind: 'failed', error: notBegunHere() };
      const { returnTo = paths.home } = state;
      try {
        if (query.error) throw refused(label, query.error);
        if (!query.code) throw new BadRequestError('missing_code', `${label} sent no code. Try again.`);
        const identity = await identify(provider, {
          code: query.code,
          codeVerifier: vault.open(state.sealedVerifier, `oauth_states:${stateHash}`),
          redirectUri: state.redirectUri,
        });
        const claim = { ...identity, provider: provider.id };
        if (!user) return { kind: 'signed_in', returnTo, ...(await identities.recognise(claim)) };
        await identities.link(user, claim);
        return { kind: 'linked' };
      } catch (error) {
        const known = vendorFailure(label, error);
        if (!(known instanceof AppError)) throw error;
        if (known.status >= 500)
          logger.warn({ err: error, provider: provider.id }, 'a sign-in by another service failed');
        return { kind: 'failed', error: known, returnTo };
      }
    },
  };
}

const notBegunHere = (): AppError =>
  new BadRequestError(
    'invalid_state',
    'This sign-in was not begun in this browser, was finished already, or took over ten minutes. Try again.',
  );

/** What the service's `error` means for the person who came back with it. Source: RFC 6749 section 4.1.2.1 */
function refused(label: string, error: string): AppError {
  if (error === 'access_denied')
    return new BadRequestError(
      'access_denied',
      `${label} was not allowed to say who you are, so nothing was changed. Try again and choose “Allow” if that was a mistake.`,
    );
  if (error === 'server_error' || error === 'temporarily_unavailable')
    return new BadRequestError('vendor_unavailable', `${label} has a fault just now. Try again in a few minutes.`);
  // The code is a word of the vendor's; anything else that stands there is not repeated.
  const word = error.replaceAll(/[^\w .-]/g, '').slice(0, 60);
  return new BadRequestError(
    'vendor_refused',
    `${label} did not allow the sign-in (${word}). The settings of this hub at ${label} need a look: the client id, the redirect URI and the permissions.`,
  );
}

/** How a failure of the service is said to the person who waits. */
function vendorFailure(label: string, error: unknown): unknown {
  if (!(error instanceof ProviderError)) return toAppError(error);
  const options = { cause: error };
  switch (error.kind) {
    case 'reconnect':
      return new BadRequestError('code_refused', `${label} did not accept the sign-in. Try again.`);
    case 'rate_limited':
      return new AppError(
        503,
        'vendor_rate_limited',
        `${label} asks for a pause. Try again in a few minutes.`,
        options,
      );
    case 'misconfigured':
      return new AppError(
        502,
        'vendor_misconfigured',
        `${label} does not accept the app of this hub. Ask an admin of the hub to look at its set-up.`,
        options,
      );
    default:
      return new AppError(502, 'vendor_error', `${label} could not say who you are. Try again in a moment.`, options);
  }
}
