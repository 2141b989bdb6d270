import type { Platform, TokenForm } from '../../providers/provider.ts';
import type { Moment } from '../format.ts';
import type { ChartView } from './chart-view.ts';
import type { ListedImport } from './import-views.ts';
import type { PlatformSetupCard } from './setup-views.ts';
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
  /** The form of the account's kind of token; absent where it was connected by consent. */
  reconnectHref?: string;
};

export type PlatformCard = {
  platform: Platform;
  label: string;
  summary: string;
  /** Whether accounts can be connected by consent. */
  configured: boolean;
  /** Where an account is connected by a token; absent where there is no such way. */
  tokenHref?: string;
  /** Names of the environment variables that are not set. */
  missing: string[];
  /** A mistake of the operator's that breaks every account here. */
  problem?: string;
  /** Why the account that the operator's settings name is not connected; for admins. */
  settingsProblem?: string;
  /** To be registered at the vendor; shown while the platform is not configured. */
  redirectUri: string;
  /** For admins. */
  setup?: PlatformSetupCard;
  integrations: IntegrationCard[];
};

/** What a sync of the account keeps up to date. */
export type SelectionRow = {
  id: string;
  name: string;
  /** Empty until the vendor has said what it is. */
  path: string;
  /** Sentences; empty when nothing was chosen. */
  options: string;
  since: Moment;
};

/** How the calls of an account's service stand. */
export type WebhookState = {
  /** Of the box. */
  label: string;
  /** What it brings, or why it cannot be ticked. */
  hint: string;
  wanted: boolean;
  disabled: boolean;
  /** What is left to do at the service. */
  setUp?: string;
  /** To be registered there. */
  address?: string;
  /** "3 places" */
  watching?: string;
  /** "1 place" that the service does not watch. */
  unwatched?: string;
  /** Switched on a moment ago. */
  beginning: boolean;
  renewsAt?: Moment;
  heardAt?: Moment;
  /** "12 calls" */
  heard: string;
  problem?: string;
  triedAgainAt?: Moment;
};

/** A bar for each of the last syncs, the newest last; heights in thousandths of the chart's. None where nothing changed. */
export type SyncChart = { bars: { label: string; height: number }[]; summary: string };

/** What was asked of an account's service in some time; figures as people read them. */
export type RequestSpanView = {
  /** "Last 24 hours" */
  title: string;
  chart: ChartView;
  throttled: string;
  paused: string;
  failed: string;
};

export type IntegrationViews = {
  'integrations/index': {
    platforms: PlatformCard[];
  };
  'integrations/show': {
    integration: IntegrationCard & { platform: Platform; label: string };
    /** How and where it is connected, where that is by a token. */
    token?: { label: string; help: string; deleteUrl: string; siteUrl: string; fromSettings: boolean };
    /** `every` is one of the choices, or empty for off. */
    schedule: { every: string; nextAt?: Moment; choices: { id: string; label: string }[] };
    /** Absent where the service makes no calls. */
    webhooks?: WebhookState;
    /** Absent while there was no sync. */
    chart?: SyncChart;
    /** The newest syncs. */
    imports: ListedImport[];
    /** How fast the hub asks the service for this account at most. */
    pace?: { perSecond: string; burst: string };
    /** None where nothing was asked in the last 7 days. */
    requests: RequestSpanView[];
    selections: SelectionRow[];
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
    /** Where it was connected by a token: what is left to do at the service. */
    byToken: boolean;
    /** Connected by the operator's settings, and so again at the next start. */
    fromSettings: boolean;
  };
  'integrations/unfollow': {
    integration: { id: string; account: string; label: string };
    selection: SelectionRow;
  };
  'integrations/token': {
    platform: Platform;
    label: string;
    /** The account to be reconnected. */
    reconnected?: { account: string; href: string };
    tabs: { label: string; href: string; current: boolean }[];
    action: string;
    form: TokenForm;
    /** Of the way by consent; for admins, and not where an account is reconnected. */
    setup?: PlatformSetupCard;
  };
};
