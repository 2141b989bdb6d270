import { paths } from '../paths.ts';
import type { PlatformSetup } from '../services/setup-service.ts';
import type { PlatformSetupCard } from './setup-views.ts';

function stateOf({ missing, sandbox, definition }: PlatformSetup): { badge: string; state: string } {
  if (missing.length === 0) return { badge: 'finished', state: 'Set up' };
  if (sandbox) return { badge: 'plain', state: 'Played by the stand-in' };
  return definition.tokenForms ? { badge: 'held', state: 'By token only' } : { badge: 'held', state: 'Not set up' };
}

/** A service's set-up as people read it. */
export const toSetupCard = (setup: PlatformSetup): PlatformSetupCard => ({
  platform: setup.definition.id,
  label: setup.definition.label,
  ...stateOf(setup),
  set: setup.set,
  missing: setup.missing,
  redirectUri: setup.redirectUri,
  scopes: setup.definition.scopes.map(({ scope, reason, optional = false }) => ({ scope, reason, optional })),
  help: setup.definition.help,
  calls: setup.calls,
  tokenHref: setup.definition.tokenForms && paths.connectToken(setup.definition.id),
});

/** The same on pages that offer the way by a token themselves. */
export const toSetupHelp = (setup: PlatformSetup): PlatformSetupCard => ({
  ...toSetupCard(setup),
  tokenHref: undefined,
});
