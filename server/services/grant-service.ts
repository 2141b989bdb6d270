import { createHash, randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { ProviderError, TypedError } from '../../providers/errors.ts';
import type { Account, Platform, Provider, Site } from '../../providers/provider.ts';
import { missingSettings, type KnownPlatform } from '../../providers/registry.ts';
import type { Config } from '../config.ts';
import type { Database } from '../database/database.ts';
import type { Egress } from '../egress/egress.ts';
import { BadRequestError, InvalidInputError, NotFoundError } from '../errors.ts';
import { accountLabel } from '../format.ts';
import { paths } from '../paths.ts';
import type { Queue } from '../queue/queue.ts';
import { recordAudit } from '../stores/audit-store.ts';
import { adoptDocuments } from '../stores/document-store.ts';
import { findIntegration, findIntegrationByAccount, upsertIntegration } from '../stores/integration-store.ts';
import { consumeOAuthState, insertOAuthState } from '../stores/oauth-state-store.ts';
import { clearPlatformProblem, notePlatformProblem } from '../stores/platform-problem-store.ts';
import type { Vault } from '../vault/vault.ts';
import type { ConnectionService } from './connection-service.ts';
import type { CredentialService, Grant } from './credential-service.ts';
import type { Integration, IntegrationService } from './integration-service.ts';
import { bounded, toAppError } from './provider-failures.ts';
import { consentRefused } from './refused-consent.ts';
import { checkTyped } from './typed-values.ts';
import type { User } from './user-service.ts';

/** How accounts come to be connected. */
export type GrantService = {
  /** Begins a grant and gives the consent page's URL. Errors: BadRequestError `not_configured` with `missing`. */
  start(
    user: User,
    platform: Platform,
    options: { sessionId: string; integrationId?: string },
  ): Promise<{ url: string }>;
  /**
   * Ends a grant with what the vendor sent back.
   * Errors: BadRequestError `invalid_state` (forged, replayed, expired, other session), `access_denied`, `missing_code`,
   * `account_mismatch`; AppError 502 `vendor_error`. No row is left behind by any of them.
   */
  finish(
    user: User,
    platform: Platform,
    options: {
      sessionId: string;
      query: {
        state?: string;
        code?: string;
        error?: string;
        errorDescription?: string;
      };
    },
  ): Promise<Integration>;
  /**
   * Connects the account of a token that somebody made at the vendor, once the vendor has said whose it is. The same account again gets the
   * new token under its old id; the same token again changes nothing. `integrationId` is the account to be reconnected.
   * Errors: NotFoundError; InvalidInputError `invalid_input`, `invalid_credentials`; BadRequestError `account_mismatch`; AppError as for
   * other calls to the vendor. Nothing is left behind by any of them.
   */
  connectWithToken(
    user: User,
    platform: Platform,
    options: {
      form: string;
      values: Record<string, string | undefined>;
      integrationId?: string;
      /** The operator's settings have typed it. */
      fromSettings?: boolean;
    },
  ): Promise<{ integration: Integration; created: boolean }>;
};

/** An account whose owner was asked, with what gives access to it. */
type Verified = {
  platform: Platform;
  account: Account;
  method: string;
  scopes: string[];
  grant: Grant;
  site?: Site;
  fromSettings?: boolean;
};

/** RFC 9700 asks for short-lived states; a consent page is rarely open for longer. */
const STATE_SECONDS = 600;

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export function createGrantService(deps: {
  config: Config;
  database: Database;
  vault: Vault;
  platforms: KnownPlatform[];
  providers: Map<Platform, Provider>;
  integrations: IntegrationService;
  credentials: CredentialService;
  connections: ConnectionService;
  egress: Egress;
  queue: Queue;
  logger: Logger;
}): GrantService {
  const {
    config,
    database,
    vault,
    platforms,
    providers,
    integrations,
    credentials,
    connections,
    egress,
    queue,
    logger,
  } = deps;

  /** Errors: NotFoundError for a platform the hub does not know; BadRequestError `not_configured`. */
  function configured(platform: Platform): Provider {
    const known = platforms.find(({ definition }) => definition.id === platform);
    if (!known) throw new NotFoundError('The service');
    const { definition, missing } = known;
    const provider = providers.get(platform);
    const names = missingSettings(known);
    if (provider && names.length === 0) return provider;
    const otherwise = definition.tokenForms ? ' Without them it can be connected with an API token.' : '';
    throw new BadRequestError(
      'not_configured',
      `${definition.label} is not set up on this server: ${names.join(' and ')} must be set.${otherwise}`,
      { missing },
    );
  }

  /** Makes the account an integration, or the one it has active again; of another account than `reconnectedId`'s nothing is made. */
  async function connect(
    user: User,
    verified: Verified,
    reconnectedId?: string,
  ): Promise<{ integration: Integration; created: boolean }> {
    const { platform, account, grant } = verified;
    return database.transaction(async (trx) => {
      const reconnected = reconnectedId && (await findIntegration(trx, user.id, reconnectedId));
      if (reconnected && reconnected.accountId !== account.id) throw accountMismatch(verified, reconnected);
      const known = await findIntegrationByAccount(trx, { userId: user.id, platform, accountId: account.id });
      if (known && (await isUnchanged(known, verified))) return { integration: known, created: false };
      const integration = await upsertIntegration(trx, { userId: user.id, ...verified });
      await credentials.save(trx, integration.id, grant);
      await adoptDocuments(trx, integration);
      await queue.enqueue(trx, 'follow-changes', [{ integrationId: integration.id }]);
      await recordAudit(trx, {
        action: known ? 'grant_reconnected' : 'grant_connected',
        actor: verified.fromSettings ? 'hub' : user,
        subject: { kind: 'integration', id: integration.id, name: platform },
        details: { method: verified.method },
      });
      logger.info(
        { integrationId: integration.id, platform, method: verified.method },
        known ? 'an account was connected again' : 'an account was connected',
      );
      return { integration, created: known === undefined };
    });
  }

  async function isUnchanged(known: Integration, { method, site, grant, fromSettings = false }: Verified) {
    if (known.status !== 'active' || known.method !== method || known.fromSettings !== fromSettings) return false;
    if (known.site?.url !== site?.url || known.site?.apiUrl !== site?.apiUrl) return false;
    const stored = await credentials.read(known.id);
    return stored?.accessToken.reveal() === grant.accessToken.reveal();
  }

  return {
    async start(user, platform, { sessionId, integrationId }) {
      const provider = configured(platform);
      const reconnected = integrationId === undefined ? undefined : await integrations.get(user, integrationId);
      const state = randomBytes(32).toString('base64url');
      const codeVerifier = randomBytes(48).toString('base64url');
      const redirectUri = config.baseUrl + paths.callback(platform);
      const stateHash = sha256(state);
      await insertOAuthState(
        database.current(),
        {
          stateHash,
          userId: user.id,
          sessionHash: sha256(sessionId),
          platform,
          integrationId: reconnected?.id,
          sealedVerifier: vault.seal(codeVerifier, `oauth_states:${stateHash}`),
          redirectUri,
        },
        STATE_SECONDS,
      );
      const url = await provider.auth.authorizationUrl({
        state,
        codeVerifier,
        redirectUri,
        loginHint: reconnected?.accountEmail,
      });
      return { url };
    },

    async finish(user, platform, { sessionId, query }) {
      const provider = configured(platform);
      const { label } = provider.definition;
      const stateHash = sha256(query.state ?? '');
      const state = await consumeOAuthState(database.current(), {
        stateHash,
        userId: user.id,
        sessionHash: sha256(sessionId),
        platform,
      });
      if (!state)
        throw new BadRequestError(
          'invalid_state',
          'This sign-in to the service was not begun here, was finished already, or took over ten minutes. Start again from the integrations page.',
        );
      if (query.error) throw consentRefused(label, query.error);
      if (!query.code)
        throw new BadRequestError('missing_code', `${label} sent no code. Start again from the integrations page.`);
      const { code } = query;

      try {
        const tokens = await bounded(
          provider.auth.exchange(
            {
              code,
              codeVerifier: vault.open(state.sealedVerifier, `oauth_states:${stateHash}`),
              redirectUri: state.redirectUri,
            },
            egress.fetch,
          ),
          label,
        );
        const account = await bounded(provider.auth.identify(connections.openWith(tokens)), label);
        const { integration } = await connect(
          user,
          { platform, account, method: 'oauth', scopes: tokens.scopes, grant: tokens },
          state.integrationId,
        );
        await clearPlatformProblem(database.current(), platform);
        return integration;
      } catch (error) {
        if (error instanceof ProviderError && error.kind === 'misconfigured')
          await notePlatformProblem(database.current(), platform, error.message);
        if (error instanceof ProviderError && error.kind === 'reconnect')
          throw new BadRequestError(
            'code_refused',
            `${label} did not accept the sign-in. Start again from the integrations page.`,
          );
        throw toAppError(error);
      }
    },

    async connectWithToken(user, platform, { form: formId, values, integrationId, fromSettings }) {
      const provider = providers.get(platform);
      const form = provider?.definition.tokenForms?.find(({ id }) => id === formId);
      if (!provider?.connectWithToken || !form) throw new NotFoundError('This way to connect');
      const reconnected = integrationId === undefined ? undefined : await integrations.get(user, integrationId);
      const typed = checkTyped(form, values);
      const { accessToken, account, site } = await bounded(
        provider.connectWithToken(form.id, typed, egress.fetch),
        provider.definition.label,
      ).catch((error: unknown) => {
        if (!(error instanceof TypedError)) throw toAppError(error);
        throw new InvalidInputError([{ field: error.field, message: error.message }], 'invalid_credentials');
      });
      const email = account.email ?? typed[form.fields.find(({ kind }) => kind === 'email')?.name ?? ''];
      const verified: Verified = {
        platform,
        account: { ...account, email },
        method: form.id,
        scopes: [],
        grant: { accessToken },
        site,
        fromSettings,
      };
      return connect(user, verified, reconnected?.id);
    },
  };
}

function accountMismatch({ account, site }: Verified, reconnected: Integration): BadRequestError {
  const chosen = accountLabel({ accountEmail: account.email, accountName: account.name, accountId: account.id, site });
  return new BadRequestError(
    'account_mismatch',
    `You chose ${chosen}, but this integration belongs to ${accountLabel(reconnected)}. Reconnect with that one, or connect the other as a new integration.`,
  );
}
