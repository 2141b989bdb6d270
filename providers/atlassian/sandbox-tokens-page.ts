import { escapeHtml } from '../escape-html.ts';
import { standInPage } from '../sandbox/consent-page.ts';
import type { SandboxAccount } from '../sandbox/sandbox-files.ts';
import { apiTokenOf, personalTokenOf } from './sandbox-callers.ts';
import { ATLASSIAN } from './sandbox-scopes.ts';
import type { AtlassianSite } from './sandbox-world.ts';

/** Shows people what to type where they connect with a token: addresses of the sites, and the token of each account. */
export function tokensPage(accounts: SandboxAccount[], sites: AtlassianSite[]): string {
  const list = (kind: AtlassianSite['kind']): string =>
    sites
      .filter((site) => site.kind === kind)
      .map(({ name, url }) => `<li>${escapeHtml(name)} <span>${escapeHtml(url)}</span></li>`)
      .join('\n');
  const tokens = (of: (account: SandboxAccount) => string): string =>
    accounts
      .map((account) => `<li>${escapeHtml(account.email)} <span><code>${escapeHtml(of(account))}</code></span></li>`)
      .join('\n');
  const servers = list('server');
  return standInPage(
    ATLASSIAN,
    'API tokens',
    `<h1>API tokens</h1>
<fieldset><legend>Sites</legend><ul>${list('cloud')}</ul></fieldset>
<fieldset><legend>API tokens</legend><ul>${tokens(apiTokenOf)}</ul></fieldset>
${
  servers === ''
    ? ''
    : `<fieldset><legend>Data Center</legend><ul>${servers}</ul></fieldset>
<fieldset><legend>Personal access tokens of the Data Center</legend><ul>${tokens(personalTokenOf)}</ul></fieldset>`
}`,
  );
}
