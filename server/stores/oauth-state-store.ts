import type { Knex } from 'knex';
import type { Platform } from '../../providers/provider.ts';

export type OAuthState = {
  stateHash: string;
  userId: string;
  sessionHash: string;
  platform: Platform;
  /** The integration that is being reconnected. */
  integrationId?: string;
  sealedVerifier: string;
  redirectUri: string;
};

/** Keeps a state for `seconds`, and forgets those that expired. */
export async function insertOAuthState(db: Knex, state: OAuthState, seconds: number): Promise<void> {
  await db('oauth_states').where('expires_at', '<', db.fn.now()).delete();
  await db('oauth_states').insert({
    state_hash: state.stateHash,
    user_id: state.userId,
    session_hash: state.sessionHash,
    platform: state.platform,
    integration_id: state.integrationId ?? null,
    sealed_verifier: state.sealedVerifier,
    redirect_uri: state.redirectUri,
    expires_at: db.raw(`now() + ? * interval '1 second'`, [seconds]),
  });
}

/** Gives a state once, to the session that began it, before it expires. */
export async function consumeOAuthState(
  db: Knex,
  asked: { stateHash: string; userId: string; sessionHash: string; platform: Platform },
): Promise<OAuthState | undefined> {
  const [row] = (await db('oauth_states')
    .where({
      state_hash: asked.stateHash,
      user_id: asked.userId,
      session_hash: asked.sessionHash,
      platform: asked.platform,
    })
    .delete()
    .returning(['integration_id', 'sealed_verifier', 'redirect_uri', db.raw('expires_at > now() as valid')])) as {
    integration_id: string | null;
    sealed_verifier: string;
    redirect_uri: string;
    valid: boolean;
  }[];
  if (!row?.valid) return undefined;
  return {
    ...asked,
    integrationId: row.integration_id ?? undefined,
    sealedVerifier: row.sealed_verifier,
    redirectUri: row.redirect_uri,
  };
}
