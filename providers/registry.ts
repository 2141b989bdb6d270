import type { Config } from '../server/config.ts';
import { confluenceDefinition, createConfluence } from './confluence/index.ts';
import { createDropbox, dropboxDefinition } from './dropbox/index.ts';
import { createGoogleDrive, googleDriveDefinition } from './google-drive/index.ts';
import { createJira, jiraDefinition } from './jira/index.ts';
import { createMicrosoft365, microsoft365Definition } from './microsoft-365/index.ts';
import type { Platform, Provider, ProviderDefinition } from './provider.ts';

/** A kind of service the hub knows, and which of its settings the operator has not given. */
export type KnownPlatform = {
  definition: ProviderDefinition;
  missing: { clientId: boolean; clientSecret: boolean };
};

/** Names of the variables that connecting by consent still needs. */
export const missingSettings = ({ definition, missing }: KnownPlatform): string[] => [
  ...(missing.clientId ? [definition.settings.clientId] : []),
  ...(missing.clientSecret ? [definition.settings.clientSecret] : []),
];

type Entry = {
  definition: ProviderDefinition;
  settings: { clientId?: unknown; clientSecret?: unknown };
  create: () => Provider;
};

/** Every provider has one line here. */
const entries = (config: Config): Entry[] => [
  { definition: googleDriveDefinition, settings: config.google, create: () => createGoogleDrive(config.google) },
  {
    definition: microsoft365Definition,
    settings: config.microsoft,
    create: () => createMicrosoft365(config.microsoft),
  },
  { definition: dropboxDefinition, settings: config.dropbox, create: () => createDropbox(config.dropbox) },
  { definition: confluenceDefinition, settings: config.confluence, create: () => createConfluence(config.confluence) },
  { definition: jiraDefinition, settings: config.jira, create: () => createJira(config.jira) },
];

/** `definitions` names all known providers, in the order pages show them; `providers` holds those that can be connected: by consent or by token. */
export function createProviders(config: Config): {
  definitions: KnownPlatform[];
  providers: Map<Platform, Provider>;
} {
  const known = entries(config).map(({ definition, settings, create }) => ({
    definition,
    missing: { clientId: !settings.clientId, clientSecret: !settings.clientSecret },
    create,
  }));
  return {
    definitions: known.map(({ definition, missing }) => ({ definition, missing })),
    providers: new Map(
      known
        .filter(({ definition, missing }) => definition.tokenForms || !(missing.clientId || missing.clientSecret))
        .map(({ definition, create }) => [definition.id, create()]),
    ),
  };
}
