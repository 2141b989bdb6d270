import type { Knex } from 'knex';
import type { IdentityProviderId } from '../../providers/identity-provider.ts';
import type { Platform } from '../../providers/provider.ts';

export type OAuthState = {
  stateHash: string;
  /** Absent: of somebody who is not signed in. */
  userId?: string;
  sessionHash: string;
  /** What is to be connected, or who is to say who somebody is. */
  platform: Platform | IdentityProviderId;
  /** The integration that is being reconnected. */
  integrationId?: string;
  sealedVerifier: string;
  redirectUri: string;
  /** The page of the hub to go on to. */
  returnTo?: string;
};

/** Keeps a state for `seconds`, and forgets those that expired. */
export async function insertOAuthState(db: Knex, state: OAuthState, seconds: number): Promise<void> {
  await db('oauth_states').where('expires_at', '<', db.fn.now()).delete();
  await db('oauth_states').insert({
    state_hash: state.stateHash,
    user_id: state.userId ?? null,
    session_hash: state.sessionHash,
    platform: state.platform,
    integration_id: state.integrationId ?? null,
    sealed_verifier: state.sealedVerifier,
    redirect_uri: state.redirectUri,
    return_to: state.returnTo ?? null,
    expires_at: db.raw(`now() + ? * interval '1 second'`, [seconds]),
  });
}

/** Gives a state once, to the session that began it, before it expires; without `userId` only one that was begun by nobody. */
export async function consumeOAuthState(
  db: Knex,
  asked: Pick<OAuthState, 'stateHash' | 'userId' | 'sessionHash' | 'platform'>,
): Promise<OAuthState | undefined> {
  const [row] = (await db('oauth_states')
    .where({
      state_hash: asked.stateHash,
      user_id: asked.userId ?? null,
      session_hash: asked.sessionHash,
      platform: asked.platform,
    })
    .delete()
    .returning([
      'integration_id',
      'sealed_verifier',
      'redirect_uri',
      'return_to',
      db.raw('expires_at > now() as valid'),
    ])) as {
    integration_id: string | null;
    sealed_verifier: string;
    redirect_uri: string;
    return_to: string | null;
    valid: boolean;
  }[];
  if (!row?.valid) return undefined;
  return {
    ...asked,
    integrationId: row.integration_id ?? undefined,
    sealedVerifier: row.sealed_verifier,
    redirectUri: row.redirect_uri,
    returnTo: row.return_to ?? undefined,
  };
}
