import { escapeHtml } from '../escape-html.ts';
import type { SandboxAccount } from './sandbox-files.ts';

/** How a vendor's pages speak. */
export type ConsentVendor = {
  /** "Google" */
  name: string;
  /** What it calls an account: "Google Account". */
  account: string;
  /** What the person is told that each scope allows, in the vendor's manner. */
  allows: Record<string, string>;
  /** Scopes that the person may untick. */
  optional?: ReadonlySet<string>;
};

/** Things beside scopes that the person may untick: sites, say. */
export type ConsentChoice = { legend: string; options: { value: string; label: string; note: string }[] };

const APP_NAME = 'Tributary';

const STYLE = `
  :root { color-scheme: light dark; --ink: #1f2328; --soft: #59636e; --line: #d1d9e0; --page: #f0f4f9; --card: #fff; --accent: #0b57d0; --on-accent: #fff; }
  @media (prefers-color-scheme: dark) { :root { --ink: #e3e3e3; --soft: #b4bac2; --line: #4a4f57; --page: #1b1b1f; --card: #131316; --accent: #a8c7fa; --on-accent: #062e6f; } }
  * { box-sizing: border-box; }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem; background: var(--page); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
  main { width: 100%; max-width: 32rem; background: var(--card); border-radius: 1.25rem; padding: 2rem; }
  .note { margin: 0 0 1.25rem; color: var(--soft); font-size: .875rem; }
  h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 1.25rem; font-weight: 500; overflow-wrap: anywhere; }
  fieldset { border: 1px solid var(--line); border-radius: .75rem; margin: 0 0 1.25rem; padding: .5rem 1rem .75rem; }
  legend { padding: 0 .375rem; font-weight: 600; }
  label, li { padding: .5rem 0; }
  label { display: grid; grid-template-columns: 1.5rem 1fr; gap: .5rem; align-items: start; cursor: pointer; }
  label input { width: 1.125rem; height: 1.125rem; margin: .2rem 0 0; accent-color: var(--accent); }
  label span span, li span { display: block; color: var(--soft); font-size: .875rem; overflow-wrap: anywhere; }
  ul { list-style: none; margin: 0; padding: 0; }
  .actions { display: flex; gap: .75rem; justify-content: flex-end; flex-wrap: wrap; }
  button { font: inherit; font-weight: 600; min-height: 2.75rem; padding: .5rem 1.5rem; border-radius: 2rem; border: 1px solid var(--line); background: transparent; color: var(--accent); cursor: pointer; }
  button.primary { background: var(--accent); border-color: var(--accent); color: var(--on-accent); }
  :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
`;

/** A page of a stand-in; `content` is markup. */
export function standInPage(vendor: ConsentVendor, title: string, content: string): string {
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
<p class="note">Sandbox stand-in for ${escapeHtml(vendor.name)}. No real account is involved.</p>
${content}
</main>
</body>
</html>
`;
}

/** The consent page. `request` is the signed request, which comes back with the decision. */
export function consentPage(
  vendor: ConsentVendor,
  view: {
    accounts: SandboxAccount[];
    scopes: string[];
    loginHint?: string;
    request: string;
    choice?: ConsentChoice;
  },
): string {
  const hinted = view.accounts.find(({ email, id }) => email === view.loginHint || id === view.loginHint);
  const chosen = hinted ?? view.accounts[0];
  const accounts = view.accounts
    .map(
      (account) =>
        `<label><input type="radio" name="account" value="${escapeHtml(account.id)}" required${
          account === chosen ? ' checked' : ''
        }><span>${escapeHtml(account.name)} <span>${escapeHtml(account.email)}</span></span></label>`,
    )
    .join('\n');
  const said = (scope: string): string =>
    `${escapeHtml(vendor.allows[scope] ?? scope)} <span>${escapeHtml(scope)}</span>`;
  const isOptional = (scope: string): boolean => vendor.optional?.has(scope) === true;
  const told = view.scopes.filter((scope) => !isOptional(scope)).map((scope) => `<li>${said(scope)}</li>`);
  const asked = view.scopes
    .filter(isOptional)
    .map(
      (scope) =>
        `<label><input type="checkbox" name="scope" value="${escapeHtml(scope)}" checked><span>${said(scope)}</span></label>`,
    );
  const title = `${APP_NAME} wants access to your ${vendor.account}`;
  const choice = view.choice ? choiceFields(view.choice) : '';
  return standInPage(
    vendor,
    title,
    `<h1>${escapeHtml(title)}</h1>
<form method="post">
<input type="hidden" name="request" value="${escapeHtml(view.request)}">
<fieldset>
<legend>Choose an account</legend>
${accounts}
</fieldset>
${choice}<fieldset>
<legend>${APP_NAME} will be able to</legend>
${told.length > 0 ? `<ul>\n${told.join('\n')}\n</ul>` : ''}
${asked.join('\n')}
</fieldset>
<div class="actions">
<button type="submit" name="decision" value="deny">Deny</button>
<button class="primary" type="submit" name="decision" value="allow">Allow</button>
</div>
</form>`,
  );
}

const choiceFields = ({ legend, options }: ConsentChoice): string => `<fieldset>
<legend>${escapeHtml(legend)}</legend>
${options
  .map(
    ({ value, label, note }) =>
      `<label><input type="checkbox" name="choice" value="${escapeHtml(value)}" checked><span>${escapeHtml(label)} <span>${escapeHtml(note)}</span></span></label>`,
  )
  .join('\n')}
</fieldset>
`;

/** The page of a request that cannot be sent back to the app. `code` is the vendor's word for the fault. */
export function refusalPage(vendor: ConsentVendor, { code, text }: { code: string; text: string }): string {
  return standInPage(
    vendor,
    'Access blocked',
    `<h1>Access blocked: the app’s request is invalid</h1>
<p>${escapeHtml(text)}</p>
<p class="note">Error 400: ${escapeHtml(code)}</p>`,
  );
}
