import type { Strategy } from 'passport';
import { challengeOf } from './token-endpoint.ts';

type StrategyInternals = {
  authorizationParams(options: object): object;
  redirect(url: string): void;
  error(error: unknown): void;
  fail(challenge: unknown): void;
  authenticate(request: { query: object }, options: object): void;
};

/**
 * The address that a strategy of passport-oauth2's family sends people to for their consent, with an S256 challenge of our verifier: the
 * strategy would make up one of its own and keep it in a session, where ours lies with the state.
 */
export function consentAddress(strategy: Strategy, codeVerifier: string, options: object): Promise<string> {
  const internals = strategy as unknown as StrategyInternals;
  const vendorParams = internals.authorizationParams.bind(strategy);
  internals.authorizationParams = (given) => ({
    ...vendorParams(given),
    code_challenge: challengeOf(codeVerifier),
    code_challenge_method: 'S256',
  });
  return new Promise((resolve, reject) => {
    internals.redirect = resolve;
    internals.error = reject;
    internals.fail = reject;
    internals.authenticate({ query: {} }, options);
  });
}
