import type { TokenForm } from '../provider.ts';

/** The form of an API token of Atlassian Cloud, classic or with chosen permissions. `example` is an address people might paste. */
export const apiTokenForm = (label: string, example: string): TokenForm => ({
  id: 'api_token',
  label: 'API token',
  help: `For ${label} in Atlassian Cloud, without an app of your own. The hub reads with it what you may read, and changes nothing.`,
  helpUrl: 'https://id.atlassian.com/manage-profile/security/api-tokens',
  scheme: 'Basic',
  fields: [
    { name: 'baseUrl', label: 'Site address', hint: `Any address of the site, such as ${example}`, kind: 'url' },
    { name: 'email', label: 'E-mail address', hint: 'The one you sign in to Atlassian with', kind: 'email' },
    { name: 'apiToken', label: 'API token', kind: 'secret' },
  ],
});

/** The form of a personal access token of a Data Center. */
export const personalTokenForm = (label: string, example: string): TokenForm => ({
  id: 'personal_access_token',
  label: 'Data Center token',
  help: `For ${label} Data Center on a server of your own. You make the token in your profile there. The hub reads with it what you may read, and changes nothing.`,
  helpUrl: 'https://confluence.atlassian.com/enterprise/using-personal-access-tokens-1026032365.html',
  scheme: 'Bearer',
  fields: [
    { name: 'baseUrl', label: 'Server address', hint: `Any address of the server, such as ${example}`, kind: 'url' },
    { name: 'personalAccessToken', label: 'Personal access token', kind: 'secret' },
  ],
});
