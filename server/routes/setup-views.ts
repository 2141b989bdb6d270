import type { Platform } from '../../providers/provider.ts';
import type { Moment } from '../format.ts';

export type FindingRow = { badge: string; level: string; about: string; message: string };

export type PlatformSetupCard = {
  platform: Platform;
  label: string;
  badge: string;
  state: string;
  set: string[];
  missing: string[];
  redirectUri: string;
  scopes: { scope: string; reason: string; optional: boolean }[];
  help?: { consoleUrl: string; guide: string };
  calls?: { address?: string; setUp?: string; problem?: string };
  tokenHref?: string;
};

export type SetupViews = {
  'setup/index': {
    /** "All is in order", or how much is not. */
    summary: string;
    findings: FindingRow[];
    /** What the other servers said, and when they were asked. */
    connections?: { at: Moment; findings: FindingRow[] };
    platforms: PlatformSetupCard[];
  };
};
