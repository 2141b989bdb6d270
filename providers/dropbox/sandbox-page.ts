import type { SandboxAccount } from '../sandbox/sandbox-files.ts';
import { SCOPES } from './auth.ts';

/** What the person is told a scope allows, in Dropbox's manner. */
const ALLOWS: Record<string, string> = {
  'account_info.read': 'View basic information about your Dropbox account such as your name and e-mail address',
  'files.metadata.read': 'View information about your Dropbox files and folders',
  'files.content.read': 'View content of your Dropbox files and folders',
};

/** Scopes that are switched on for the stand-in's app. */
export const KNOWN_SCOPES = new Set(SCOPES.map(({ scope }) => scope));

const STYLE = `
  :root { color-scheme: light dark; --ink: #1e1919; --soft: #5f5a56; --line: #d9d4cd; --page: #f7f5f2; --card: #fff; --accent: #0055cc; --on-accent: #fff; }
  @media (prefers-color-scheme: dark) { :root { --ink: #f2efea; --soft: #bdb7b0; --line: #55504b; --page: #1e1919; --card: #161313; --accent: #9dc2ff; --on-accent: #0a1f44; } }
  * { box-sizing: border-box; }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--page); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
  main { width: 100%; max-width: 32rem; background: var(--card); border-radius: .5rem; padding: 2rem; }
  .note { margin: 0 0 1.25rem; color: var(--soft); font-size: .875rem; }
  h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1.25rem; font-weight: 600; overflow-wrap: anywhere; }
  fieldset { border: 1px solid var(--line); border-radius: .5rem; margin: 0 0 1.25rem; padding: .5rem 1rem .75rem; }
  legend { padding: 0 .375rem; font-weight: 600; }
  li { padding: .5rem 0; }
  label { display: grid; grid-template-columns: 1.5rem 1fr; gap: .5rem; align-items: start; cursor: pointer; padding: .5rem 0; }
  label input { width: 1.125rem; height: 1.125rem; margin: .2rem 0 0; accent-color: var(--accent); }
  label span span, li span { display: block; color: var(--soft); font-size: .875rem; overflow-wrap: anywhere; }
  ul { list-style: none; margin: 0; padding: 0; }
  .actions { display: flex; gap: .75rem; justify-content: flex-end; flex-wrap: wrap; }
  button { font: inherit; font-weight: 600; min-height: 2.75rem; padding: .5rem 1.5rem; border-radius: .5rem; border: 1px solid var(--line); background: transparent; color: var(--accent); cursor: pointer; }
  button.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
  :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
`;

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);
}

function page(title: string, content: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<p class="note">Sandbox stand-in for Dropbox. No real account is involved.</p>
${content}
</main>
</body>
</html>
`;
}

/** The consent page. `request` is the signed request, which comes back with the decision. */
export function consentPage(view: {
  appName: string;
  accounts: SandboxAccount[];
  scopes: string[];
  request: string;
}): string {
  const accounts = view.accounts
    .map(
      ({ id, name, email }, at) =>
        `<label><input type="radio" name="account" value="${escapeHtml(id)}" required${
          at === 0 ? ' checked' : ''
        }><span>${escapeHtml(name)} <span>${escapeHtml(email)}</span></span></label>`,
    )
    .join('\n');
  const asked = view.scopes
    .map((scope) => `<li>${escapeHtml(ALLOWS[scope] ?? scope)} <span>${escapeHtml(scope)}</span></li>`)
    .join('\n');
  const title = `${view.appName} would like to connect with your Dropbox account`;
  return page(
    title,
    `<h1>${escapeHtml(title)}</h1>
<form method="post">
<input type="hidden" name="request" value="${escapeHtml(view.request)}">
<fieldset>
<legend>Choose an account</legend>
${accounts}
</fieldset>
<fieldset>
<legend>${escapeHtml(view.appName)} will be able to</legend>
<ul>
${asked}
</ul>
</fieldset>
<div class="actions">
<button type="submit" name="decision" value="deny">Deny</button>
<button class="primary" type="submit" name="decision" value="allow">Allow</button>
</div>
</form>`,
  );
}

/** The page of a request that cannot be sent back to the app. */
export function refusalPage(explanation: string): string {
  return page('Error (400)', `<h1>Error (400)</h1>\n<p>${escapeHtml(explanation)}</p>`);
}
