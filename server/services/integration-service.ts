import type { Platform, ProviderDefinition } from '../../providers/provider.ts';
import type { User } from './user-service.ts';

export type IntegrationStatus = 'active' | 'needs_reconnect' | 'disconnecting';

/** One connected account of a user. */
export type Integration = {
  id: string;
  userId: string;
  platform: Platform;
  accountId: string;
  accountEmail?: string;
  accountName?: string;
  status: IntegrationStatus;
  /** A sentence: why it is not active and what to do. */
  statusDetail?: string;
  scopes: string[];
  connectedAt: Date;
  lastSyncAt?: Date;
};

/** One platform as the integrations page and API show it. */
export type PlatformOverview = {
  definition: ProviderDefinition;
  configured: boolean;
  /** Which settings the operator has not given. */
  missing: { clientId: boolean; clientSecret: boolean };
  integrations: Integration[];
};

export type DisconnectOutcome = {
  revoked: boolean;
  manualRevokeUrl?: string;
  documents: { kept: number; deleted: number };
};

export type IntegrationService = {
  overview(user: User): Promise<PlatformOverview[]>;
  list(user: User): Promise<Integration[]>;
  /** Errors: NotFoundError, also for other users' rows. */
  get(user: User, id: string): Promise<Integration>;
  /** `{P or id}` of the API: an id, or a platform with exactly one account. Errors: NotFoundError; BadRequestError `ambiguous`. */
  resolve(user: User, platformOrId: string): Promise<Integration>;
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
  documentCount(user: User, id: string): Promise<number>;
  disconnect(user: User, id: string, options: { documents: 'keep' | 'delete' }): Promise<DisconnectOutcome>;
};
