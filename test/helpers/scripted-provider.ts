import { Readable } from 'node:stream';
import { ProviderError } from '../../providers/errors.ts';
import type {
  Item,
  ItemPage,
  ListOptions,
  OpenedFile,
  Provider,
  ProviderDefinition,
} from '../../providers/provider.ts';
import type { Integration } from '../../server/services/integration-service.ts';
import type { User } from '../../server/services/user-service.ts';
import type { TestHub } from './hub.ts';

/** A space, a folder, a page or an attachment of the scripted service. A page has `text`; what it holds makes it a place too. */
export type Node = {
  name: string;
  text?: string;
  below?: Node[];
  /** What hangs on a page. */
  attachments?: Node[];
  version?: string;
  sizeBytes?: number;
  modifiedAt?: Date;
  /** What opening it gives, in place of a web page of its text. */
  file?: () => Pick<OpenedFile, 'stream' | 'name' | 'mediaType'>;
  /** Why it cannot be imported. */
  locked?: string;
  details?: OpenedFile['details'];
  /** Sent with a listing for an import; the text, where nothing else is said. */
  hint?: string;
};

export type Script = {
  roots: Node[];
  /** The service can list all that is below a place at once. */
  listsDeep: boolean;
  pageSize: number;
  /** What every search finds. */
  found?: Node[];
};

type Placed = { node: Node; ref: string; parent?: Placed };

/** What was asked of the service so far. */
export type Asked = {
  /** "Ferries deep", "Ferries deep attachments", "Ferries" for the browser. */
  lists: string[];
  /** Names of what was opened, and whether a hint came along. */
  opened: { name: string; hinted: boolean }[];
};

export type ScriptedProvider = Provider & {
  script: Script;
  asked: Asked;
  refOf(name: string): string;
  /** What is to happen at the next call of `list` or `open` for the item of that name, instead of an answer. */
  failNext(method: 'list' | 'open', name: string, error: Error): void;
};

const definition: ProviderDefinition = {
  id: 'confluence',
  label: 'Harbour Wiki',
  summary: 'A service whose items hold items.',
  scopes: [],
  settings: { clientId: 'CONFLUENCE_CLIENT_ID', clientSecret: 'CONFLUENCE_CLIENT_SECRET' },
  hosts: [],
  pace: { integration: { perSecond: 1000, burst: 1000 }, app: { perSecond: 1000, burst: 1000 } },
  importChoices: ['children', 'attachments'],
  manualRevokeUrl: 'https://wiki.example/account',
};

const refFor = (name: string): string => {
  const ref = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  return ref === '-' ? encodeURIComponent(name) : ref;
};

/** A service in memory whose pages hold sub-pages and attachments, listed page by page or at once. */
export function createScriptedProvider(script: Script): ScriptedProvider {
  const asked: Asked = { lists: [], opened: [] };
  const failures: { method: 'list' | 'open'; name: string; error: Error }[] = [];

  const placesOf = (nodes: Node[], parent?: Placed): Placed[] =>
    nodes.map((node) => ({ node, parent, ref: refFor(node.name) }));
  const heldBy = (place: Placed): Placed[] => placesOf(place.node.below ?? [], place);
  const hangingOn = (place: Placed): Placed[] => placesOf(place.node.attachments ?? [], place);
  const allBelow = (place: Placed, attachments: boolean): Placed[] => [
    ...(attachments ? hangingOn(place) : []),
    ...heldBy(place).flatMap((child) => [child, ...allBelow(child, attachments)]),
  ];
  const everything = (): Placed[] =>
    placesOf([...script.roots, ...(script.found ?? [])]).flatMap((place) => [place, ...allBelow(place, true)]);

  function find(ref: string): Placed {
    const place = everything().find((candidate) => candidate.ref === ref);
    if (place) return place;
    throw new ProviderError('gone', definition.id, 'The item does not exist any more.');
  }

  const isPage = ({ node }: Placed): boolean => node.text !== undefined || node.locked !== undefined;

  function toItem(place: Placed): Item {
    const { node, ref, parent } = place;
    const page = isPage(place);
    return {
      ref,
      name: node.name,
      kind: page ? 'file' : 'folder',
      mediaType: page ? 'text/html' : 'inode/directory',
      sizeBytes: node.sizeBytes,
      modifiedAt: node.modifiedAt,
      version: page ? (node.version ?? '1') : undefined,
      webUrl: `https://wiki.example/${ref}`,
      parentRef: parent?.ref,
      importable: node.locked === undefined,
      reason: node.locked,
      hasChildren: page && [...heldBy(place), ...hangingOn(place)].length > 0 ? true : undefined,
    };
  }

  /** Names between the listed place and what is below it. */
  function between(place: Placed, listed: Placed): string[] {
    const names: string[] = [];
    for (let above = place.parent; above && above.ref !== listed.ref; above = above.parent)
      names.unshift(above.node.name);
    return names;
  }

  function listed(place: Placed, forImport: ListOptions['forImport']): { places: Placed[]; deep: boolean } {
    if (!forImport) return { places: [...heldBy(place), ...hangingOn(place)], deep: false };
    const { deep, attachments } = forImport;
    if (deep && script.listsDeep) return { places: allBelow(place, attachments), deep: true };
    const held = isPage(place) && !deep ? [] : heldBy(place);
    return { places: [...held, ...(attachments ? hangingOn(place) : [])], deep: false };
  }

  const fail = (method: 'list' | 'open', name: string): void => {
    const at = failures.findIndex((failure) => failure.method === method && failure.name === name);
    const [failure] = at < 0 ? [] : failures.splice(at, 1);
    if (failure) throw failure.error;
  };

  return {
    definition,
    script,
    asked,
    auth: {
      authorizationUrl: () => Promise.reject(new Error('nobody connects by consent here')),
      exchange: () => Promise.reject(new Error('nobody connects by consent here')),
      refresh: () => Promise.reject(new Error('nothing is refreshed here')),
      identify: () => Promise.resolve({ id: 'harbour' }),
    },
    refOf: (name) => everything().find(({ node }) => node.name === name)?.ref ?? '',
    failNext: (method, name, error) => void failures.push({ method, name, error }),

    roots: async () => placesOf(script.roots).map(toItem),
    search: async () => ({ items: placesOf(script.found ?? []).map(toItem) }),
    get: async (_connection, ref) => toItem(find(ref)),

    async list(_connection, ref, cursor, { forImport } = {}): Promise<ItemPage> {
      const place = find(ref);
      const options = [forImport?.deep ? 'deep' : '', forImport?.attachments ? 'attachments' : ''];
      asked.lists.push([place.node.name, ...options].filter(Boolean).join(' '));
      fail('list', place.node.name);
      const { places, deep } = listed(place, forImport);
      const [from = '0', begunWith] = (cursor ?? '').split(' ');
      if (begunWith !== undefined && begunWith !== options.join())
        throw new Error('the cursor came with other options');
      const to = Number(from) + script.pageSize;
      return {
        items: places.slice(Number(from), to).map((one) => ({
          ...toItem(one),
          between: deep ? between(one, place) : undefined,
          hint: forImport && isPage(one) ? (one.node.hint ?? one.node.text) : undefined,
        })),
        next: to < places.length ? `${to} ${options.join()}` : undefined,
        deep: deep || undefined,
      };
    },

    async open(_connection, ref, { hint }): Promise<OpenedFile> {
      const { node } = find(ref);
      asked.opened.push({ name: node.name, hinted: hint !== undefined });
      fail('open', node.name);
      const html = `<h1>${node.name}</h1><p>${node.text}</p>`;
      return {
        stream: Readable.from([Buffer.from(html)]),
        name: `${node.name}.html`,
        mediaType: 'text/html',
        ...node.file?.(),
        version: node.version ?? '1',
        details: node.details,
      };
    },
  };
}

/** Puts the service into the hub in place of an earlier one, with one connected account of the user. */
export async function connectScripted(hub: TestHub, provider: ScriptedProvider, user: User): Promise<Integration> {
  const { context } = hub;
  context.providers.set(definition.id, provider);
  const at = context.definitions.findIndex(({ id }) => id === definition.id);
  context.definitions.splice(at < 0 ? context.definitions.length : at, 1, definition);
  const account = { platform: definition.id, account_id: 'harbour', account_name: 'Harbour Office' };
  await context.database
    .knex('user_integrations')
    .insert({ user_id: user.id, ...account })
    .onConflict(['user_id', 'platform', 'account_id'])
    .ignore();
  const found = (await context.integrations.list(user)).find(({ platform }) => platform === definition.id);
  if (!found) throw new Error('the account was not connected');
  return found;
}
