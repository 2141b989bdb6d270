import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'chai';
import type { Browser, Page } from 'playwright-core';
import { paths } from '../../server/paths.ts';
import { accessibilityFaults, complaintsOf, fillSignIn, startBrowser, withBrowser } from '../helpers/browser.ts';
import { connectGoogle } from '../helpers/connect.ts';
import { mainKind, openTestDatabase } from '../helpers/database.ts';
import type { TestHub } from '../helpers/hub.ts';
import { finishedImport } from '../helpers/imports.ts';
import { pageRoutesOf } from '../helpers/routes.ts';
import { startSsoHub } from '../helpers/sso.ts';

const MAX_HTML = 50 * 1024;
const PHONE = { width: 390, height: 844 };
const DESKTOP = { width: 1440, height: 900 };
/** Names as people have them, and as no page may show them unescaped or let run out of it. */
const NAMES = [
  'تقرير عن الميناء.txt',
  '港湾報告書 🚢.txt',
  `${'Unbroken'.repeat(25)}.txt`,
  '<b onmouseover=alert(1)>bold<script>alert(1)<÷script>.txt',
];
const BROKEN = 'broken.pdf';

/** Addresses that are no page: files, streams, redirects and probes. */
const NO_PAGE = new Set([
  '/',
  '/healthz',
  '/readyz',
  '/metrics',
  '/openapi.json',
  '/admin/imports/:id/ledger.csv',
  '/admin/documents/:id/original',
  '/admin/audit.csv',
  '/admin/integrations/connect/:platform',
  '/admin/integrations/:id/reconnect',
  '/sign-in/sso/:provider/callback',
  '/docs/swagger-ui.css',
  '/docs/swagger-ui-bundle.js',
]);

type Ids = {
  user: string;
  integration: string;
  selection: string;
  import: string;
  document: string;
  token: string;
  identity: string;
  folder: string;
  file: string;
};

/** The addresses that stand for each page, some of them in more than one state. */
const ADDRESSES: Record<string, (ids: Ids) => string[]> = {
  '/sign-in': () => [paths.signIn],
  '/set-up': () => [],
  '/admin': () => [paths.overview],
  '/admin/integrations': () => [paths.integrations],
  '/admin/integrations/:id': ({ integration }) => [paths.integration(integration)],
  '/admin/integrations/:id/disconnect': ({ integration }) => [paths.disconnect(integration)],
  '/admin/integrations/:id/selections/:selectionId/stop': ({ integration, selection }) => [
    paths.unfollow(integration, selection),
  ],
  '/admin/integrations/:platform/token': () => [paths.connectToken('confluence'), paths.connectToken('jira')],
  '/admin/browse': ({ integration, folder }) => [
    paths.browse(),
    paths.browse({ integration, ref: folder }),
    paths.browse({ q: 'txt' }),
  ],
  '/admin/browse/preview': ({ integration, folder, file }) => [
    paths.preview({ integration, ref: folder }),
    paths.preview({ integration, ref: file }),
  ],
  '/admin/browse/review': () => [paths.review()],
  '/admin/imports': () => [paths.imports],
  '/admin/imports/:id': (ids) => [paths.import(ids.import), paths.import(ids.import, { q: 'nothing like that' })],
  '/admin/imports/:id/cancel': (ids) => [paths.importCancel(ids.import)],
  '/admin/documents': () => [paths.documents(), paths.documents({ q: 'nothing like that' })],
  '/admin/documents/change': ({ document }) =>
    ['sync', 'delete', 'category'].map((what) => `${paths.documentsChange}?do=${what}&id=${document}`),
  '/admin/documents/:id': ({ document }) => [paths.document(document)],
  '/admin/documents/:id/delete': ({ document }) => [paths.documentDelete(document)],
  '/admin/search': () => [
    paths.search(),
    paths.search({ q: 'harbour' }),
    paths.search({ q: 'zzz' }),
    paths.search({ ask: 'When does the harbour open?' }),
  ],
  '/admin/notifications': () => [paths.notifications],
  '/admin/users': () => [paths.users, paths.usersList({ q: 'nobody like that' })],
  '/admin/users/:id': ({ user }) => [paths.user(user)],
  '/admin/users/:id/disable': ({ user }) => [paths.userDisable(user)],
  '/admin/invitations': () => [paths.invitations],
  '/invitation': () => [],
  '/admin/profile': () => [paths.profile],
  '/admin/profile/identities/:id/unlink': ({ identity }) => [paths.identityUnlink(identity)],
  '/admin/audit': () => [paths.audit(), paths.audit({ who: 'nobody@example.com' })],
  '/admin/setup': () => [paths.setupCheck],
  '/docs': () => [paths.reference],
  '/admin/tokens': () => [paths.tokens],
  '/admin/tokens/:id/delete': ({ token }) => [paths.tokenDelete(token)],
};
/** Those that a member without an account has in their empty state. */
const EMPTY = [
  paths.overview,
  paths.integrations,
  paths.browse(),
  paths.imports,
  paths.documents(),
  paths.search(),
  paths.notifications,
  paths.tokens,
];

withBrowser('every page', function () {
  this.timeout(240_000);
  let hub: TestHub;
  let folder: string;
  let browser: Browser;
  let ids: Ids;
  before(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-files-'));
    for (const name of [...NAMES, BROKEN])
      await writeFile(path.join(folder, name), `${name === BROKEN ? '%PDF-' : ''} The harbour opens at six: ${name}`);
    hub = await startSsoHub({ database: await openTestDatabase(mainKind), filesDir: folder });
    const { browse, documents, imports, syncs, tokens } = hub.context;
    const { id: integration } = await connectGoogle(hub, hub.admin);
    const { items } = await browse.list(hub.admin, integration, {});
    const root = items.find(({ name }) => name === 'My Drive')?.ref ?? '';
    const { id } = await imports.create(hub.admin, { items: [{ integrationId: integration, ref: root }] });
    await finishedImport(hub, id);
    const { documents: all } = await documents.list(hub.admin);
    const [selection] = await syncs.selections(hub.admin, integration);
    const { items: files } = await browse.list(hub.admin, integration, { ref: root });
    await hub.context.invitations.invite(hub.admin, { email: 'new@example.com', role: 'member' });
    await hub.context.identities.link(hub.admin, {
      provider: 'google',
      subject: '1',
      email: `${'unbroken'.repeat(8)}@example.com`,
      emailVerified: true,
      emailAuthoritative: false,
    });
    const [identity] = await hub.context.identities.list(hub.admin);
    ids = {
      user: hub.member.id,
      integration,
      selection: selection!.id,
      import: id,
      document: all[0]!.id,
      token: (await tokens.create(hub.admin, { name: NAMES[3]! })).id,
      identity: identity!.id,
      folder: root,
      file: files.find(({ name }) => name === NAMES[0])!.ref,
    };
    browser = await startBrowser();
  });
  after(async () => {
    await browser?.close();
    await hub?.close();
    await rm(folder, { recursive: true });
  });

  /** Signs in, and gathers what the browser complains of: errors of scripts, and of the content policy. */
  async function visit(email: string | undefined, options: { javaScriptEnabled?: boolean } = {}) {
    const context = await browser.newContext({ viewport: DESKTOP, baseURL: hub.url, ...options });
    const page = await context.newPage();
    const complaints = complaintsOf(page);
    page.on('dialog', (dialog) => complaints.push(`${page.url()}: ${dialog.message()}`));
    if (email) {
      await page.goto(paths.signIn);
      await fillSignIn(page, email);
    }
    return { page, complaints, close: () => context.close() };
  }

  /** What is wrong with a page, in both looks and at both widths; a line each. */
  async function faultsOf(page: Page, address: string): Promise<string[]> {
    const faults: string[] = [];
    const answer = await page.goto(address);
    if (answer?.status() !== 200) faults.push(`answered ${answer?.status()}`);
    if (address === paths.reference) await page.locator('.opblock').first().waitFor();
    const size = gzipSync((await answer?.body()) ?? '').length;
    if (size > MAX_HTML) faults.push(`${size} bytes of HTML`);
    // A script that the first paint would wait for.
    const blocking = await page.locator('script:not([type=module])').count();
    if (blocking > 0) faults.push(`${blocking} scripts hold up the page`);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      // Its scripts hear of the colours a moment later.
      if (address === paths.reference)
        await page.locator(colorScheme === 'dark' ? 'html.dark-mode' : 'html:not(.dark-mode)').waitFor();
      faults.push(...(await accessibilityFaults(page)).map((fault) => `${colorScheme}: ${fault}`));
    }
    await page.setViewportSize(PHONE);
    const wide = await page.evaluate<number>('document.documentElement.scrollWidth');
    if (wide > PHONE.width) faults.push(`${wide} pixels wide on a phone`);
    await page.setViewportSize(DESKTOP);
    return faults.map((fault) => `${address}: ${fault}`);
  }

  it('stands in this suite', () => {
    const patterns = pageRoutesOf(hub.context).flatMap(({ method, pattern }) => (method === 'GET' ? [pattern] : []));
    expect(patterns.length).to.be.above(20);
    const missing = patterns.filter((pattern) => !NO_PAGE.has(pattern) && !(pattern in ADDRESSES));
    expect(missing, 'pages without an address in this suite').to.deep.equal([]);
  });

  it('is small, accessible in light and dark, and no wider than a phone', async () => {
    const { page, complaints, close } = await visit(hub.admin.email);
    const faults: string[] = [];
    for (const addresses of Object.values(ADDRESSES))
      for (const address of addresses(ids))
        if (address !== paths.signIn) faults.push(...(await faultsOf(page, address)));
    await close();
    expect(faults).to.deep.equal([]);
    expect(complaints).to.deep.equal([]);
  });

  it('is so before there is anything to show, and before signing in', async () => {
    const member = await visit(hub.member.email);
    const faults: string[] = [];
    for (const address of EMPTY) faults.push(...(await faultsOf(member.page, address)));
    await member.close();
    const stranger = await visit(undefined);
    for (const address of [paths.signIn, paths.reference]) faults.push(...(await faultsOf(stranger.page, address)));
    await stranger.close();
    expect(faults).to.deep.equal([]);
    expect([...member.complaints, ...stranger.complaints]).to.deep.equal([]);
  });

  it('says the same without JavaScript', async () => {
    const [plain, full] = [await visit(hub.admin.email, { javaScriptEnabled: false }), await visit(hub.admin.email)];
    for (const addresses of Object.values(ADDRESSES))
      for (const address of addresses(ids)) {
        if (address === paths.signIn) continue;
        const titles = [];
        for (const { page } of [plain, full]) {
          await page.goto(address);
          titles.push(await page.getByRole('heading', { level: 1 }).innerText());
        }
        expect(titles[0], address).to.equal(titles[1]).and.not.to.equal('');
      }
    await plain.close();
    await full.close();
  });
});
