import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Item, Platform } from '../../providers/provider.ts';
import type { SandboxAccount } from '../../providers/sandbox/sandbox-files.ts';
import type { Env } from '../../server/config.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import type { HostileProxy } from '../helpers/hostile-proxy.ts';
import type { TestHub } from '../helpers/hub.ts';

/** A vendor's stand-in as these tests use it. */
export type Vendor = {
  platform: Platform;
  label: string;
  /** Whose way of refusing the proxy takes. */
  style: 'google' | 'microsoft' | 'dropbox';
  /** Sends all that the hub asks this vendor through the proxy. */
  envThrough(proxy: HostileProxy): Env;
  /** The stand-in's origin, and that of the host it redirects downloads to. */
  origins(hub: TestHub): [first: string, second?: string];
  requests(hub: TestHub): { method: string; path: string }[];
  expireTokens(hub: TestHub): void;
  /** May be changed at any time; the stand-ins share them. */
  accounts(hub: TestHub): SandboxAccount[];
  /** A place in the changes that the vendor does not know. */
  lostCursor: string;
};

export const VENDORS: Vendor[] = [
  {
    platform: 'google_drive',
    label: 'Google Drive',
    style: 'google',
    envThrough: ({ url }) => ({
      GOOGLE_TOKEN_URL: `${url}/token`,
      GOOGLE_REVOKE_URL: `${url}/revoke`,
      GOOGLE_USERINFO_URL: `${url}/oauth2/v3/userinfo`,
      GOOGLE_API_URL: url,
    }),
    origins: ({ sandbox }) => [sandbox.google.url],
    requests: ({ sandbox }) => sandbox.google.state.requests,
    expireTokens: ({ sandbox }) => sandbox.google.state.expireAccessTokens(),
    accounts: ({ sandbox }) => sandbox.google.state.accounts,
    lostCursor: '999999',
  },
  {
    platform: 'microsoft',
    label: 'Microsoft 365',
    style: 'microsoft',
    envThrough: ({ url, secondUrl }) => ({
      MICROSOFT_AUTHORITY_URL: url,
      MICROSOFT_GRAPH_URL: url,
      EGRESS_ALLOWED_HOSTS: new URL(secondUrl).host,
    }),
    origins: ({ sandbox }) => [sandbox.microsoft.url, `http://${sandbox.microsoft.env.EGRESS_ALLOWED_HOSTS}`],
    requests: ({ sandbox }) => sandbox.microsoft.state.requests,
    expireTokens: ({ sandbox }) => sandbox.microsoft.state.expireTokens(),
    accounts: ({ sandbox }) => sandbox.microsoft.state.accounts,
    lostCursor: 'lost',
  },
  {
    platform: 'dropbox',
    label: 'Dropbox',
    style: 'dropbox',
    envThrough: ({ url }) => ({
      DROPBOX_TOKEN_URL: `${url}/oauth2/token`,
      DROPBOX_API_URL: url,
      DROPBOX_CONTENT_URL: url,
    }),
    origins: ({ sandbox }) => [sandbox.dropbox.url],
    requests: ({ sandbox }) => sandbox.dropbox.state.requests,
    expireTokens: ({ sandbox }) => sandbox.dropbox.state.expireTokens(),
    accounts: ({ sandbox }) => sandbox.dropbox.state.accounts,
    lostCursor: 'lost',
  },
];

/** The account's own space, as it was listed. */
export async function ownSpace(hub: TestHub, integration: Integration): Promise<Item> {
  const { items } = await hub.context.browse.list(hub.admin, integration.id, {});
  const [first] = items;
  if (!first) throw new Error('the account has no space of its own');
  return first;
}

/** Imports all that is below a folder, which was ticked where it was listed. Gives the import's id at once. */
export async function startImport(hub: TestHub, integration: Integration, { ref, name }: Item): Promise<string> {
  const { id } = await hub.context.imports.create(hub.admin, {
    items: [{ integrationId: integration.id, ref, known: { name, kind: 'folder', path: name } }],
  });
  return id;
}

/** Writes `count` small files of different length and content, as many into each folder. Gives SHA-256 by path. */
export async function writeFiles(
  count: number,
  folders: string[],
): Promise<{ root: string; hashes: Map<string, string> }> {
  const root = await mkdtemp(path.join(os.tmpdir(), 'tributary-many-'));
  const hashes = new Map<string, string>();
  for (let at = 0; at < count; at++) {
    const folder = folders[at % folders.length] ?? '';
    const text = contentOf(at);
    const name = path.posix.join(
      folder,
      `${String(at).padStart(4, '0')} ${WORDS[at % WORDS.length]}.${at % 3 ? 'txt' : 'md'}`,
    );
    await mkdir(path.join(root, folder), { recursive: true });
    await writeFile(path.join(root, name), text);
    hashes.set(name, createHash('sha256').update(text).digest('hex'));
  }
  return { root, hashes };
}

const WORDS = ['harbour', 'ferry', 'Fähre', 'mooring', 'tide', 'timetable', '港', 'berth', 'winter', 'lantern'];

function contentOf(at: number): string {
  const sentences = Array.from({ length: 1 + ((at * 7) % 12) }, (_, line) => {
    const word = (step: number) => WORDS[(at * step + line) % WORDS.length];
    return `Entry ${at}.${line}: the ${word(3)} of the ${word(7)} was seen ${(at * 31 + line * 17) % 1000} times.`;
  });
  return `# Log ${at}\n\n${sentences.join('\n')}\n`;
}
