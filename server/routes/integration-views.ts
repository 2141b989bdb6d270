import type { Platform } from '../../providers/provider.ts';
import type { Moment } from '../format.ts';
import type { IntegrationStatus } from '../services/integration-service.ts';

/** One connected account. */
export type IntegrationCard = {
  id: string;
  /** Address, name or id of the account. */
  account: string;
  /** The person's name, where `account` is the address. */
  owner?: string;
  status: IntegrationStatus;
  statusLabel: string;
  statusDetail?: string;
  connectedAt: Moment;
  lastSyncAt?: Moment;
  /** While the service asks for a pause: when work goes on by itself. */
  throttledUntil?: Moment;
  /** "12 documents" */
  documents: string;
};

export type PlatformCard = {
  platform: Platform;
  label: string;
  summary: string;
  configured: boolean;
  /** Names of the environment variables that are not set. */
  missing: string[];
  /** A mistake of the operator's that breaks every account here. */
  problem?: string;
  /** To be registered at the vendor; shown while the platform is not configured. */
  redirectUri: string;
  integrations: IntegrationCard[];
};

export type IntegrationViews = {
  'integrations/index': { platforms: PlatformCard[] };
  'integrations/show': {
    integration: IntegrationCard & { platform: Platform; label: string };
    /** What the hub asks for, with the reason; `granted` where the vendor confirmed it under the same name. */
    scopes: { scope: string; reason: string; granted: boolean }[];
    /** Granted besides, or under another name. */
    otherScopes: string[];
    manualRevokeUrl: string;
  };
  'integrations/disconnect': {
    integration: { id: string; account: string; label: string; platform: Platform };
    /** "12 documents"; absent when there are none. */
    documents?: string;
  };
};
