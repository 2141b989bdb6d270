import express, { type Request, type Response, type Router } from 'express';
import { z } from 'zod';
import type { Grant, TokenMint } from '../sandbox/token-mint.ts';
import { createChangeLog, type ChangeLog } from '../sandbox/change-log.ts';
import { headerJson } from './client.ts';
import { createContentHash } from './content-hash.ts';
import {
  argument,
  asciiOnly,
  bodyArg,
  cursorArg,
  downloadArg,
  echoArg,
  exportArg,
  headerArg,
  listFolderArg,
  metadataArg,
  misunderstood,
  noArg,
  Refusal,
  searchArg,
  sendRefusal,
  tags,
} from './sandbox-args.ts';
import { lowerOf, type Node, type Seen, type Tree } from './sandbox-tree.ts';
import { createMetadata, exported, exportFormats, fullAccount, rootInfo } from './sandbox-wire.ts';

const USUAL_PAGE = 500;
const USUAL_MATCHES = 100;
/** Dropbox gives no more matches than these in all. */
const MOST_MATCHES = 10_000;

const pathRoot = z.union([
  z.strictObject({ '.tag': z.literal('home') }),
  z.strictObject({ '.tag': z.literal('root'), root: z.string() }),
  z.strictObject({ '.tag': z.literal('namespace_id'), namespace_id: z.string() }),
]);

const lookup = (tag: string): Refusal => new Refusal(409, tags('path', tag));

/** The parts of Dropbox's API v2 that read, with its limits, its path roots and its error bodies. */
export function createSandboxApi(deps: {
  mint: TokenMint;
  /** Errors: Refusal 400 or 401. */
  grantOf(req: Request): Grant;
  seenBy(accountId: string): Seen;
  endGrant(grant: Grant): void;
  oddPages(): boolean;
  /** How the bytes of an answer go out. */
  send(req: Request, res: Response, bytes: Buffer): void;
}): Router {
  const { mint } = deps;
  const metadataOf = createMetadata();
  /** Content routes give the same fields without a tag. */
  const untagged = async (node: Node): Promise<Record<string, unknown>> => {
    const { '.tag': _, ...fields } = await metadataOf(node);
    return fields;
  };

  const seenFor = (req: Request, scope: string): Seen => {
    const grant = deps.grantOf(req);
    if (!grant.scopes.includes(scope)) throw new Refusal(401, { '.tag': 'missing_scope', required_scope: scope });
    return deps.seenBy(grant.accountId);
  };

  /** The tree that the request is rooted at. Without a header it is the account's own Dropbox. */
  const treeFor = (req: Request, seen: Seen): Tree => {
    const name = 'Dropbox-API-Path-Root';
    const text = req.get(name);
    if (text === undefined) return seen.home;
    const asked = argument(req, `HTTP header "${name}"`, asciiOnly(req, name, text), pathRoot);
    if (asked['.tag'] === 'home') return seen.home;
    if (asked['.tag'] === 'root') {
      if (asked.root === seen.root.namespaceId) return seen.root;
      throw new Refusal(422, { '.tag': 'invalid_root', invalid_root: rootInfo(seen) });
    }
    const tree = [seen.home, seen.root].find(({ namespaceId }) => namespaceId === asked.namespace_id);
    if (!tree) throw new Refusal(422, tags('no_permission'));
    return tree;
  };

  const nodeAt = (seen: Seen, tree: Tree, path: string): Node | 'root' => {
    if (path.startsWith('id:')) return tree.byId.get(path) ?? fail('not_found');
    const [, namespaceId, below = ''] = /^ns:(\d+)(.*)$/s.exec(path) ?? [];
    if (namespaceId !== undefined) {
      const other = [seen.home, seen.root].find((known) => known.namespaceId === namespaceId);
      return other ? nodeAt(seen, other, below) : fail('not_found');
    }
    if (path === '') return 'root';
    if (path.endsWith('/') || path.includes('//')) return fail('malformed_path');
    return tree.byLower.get(lowerOf(path)) ?? fail('not_found');
  };

  const fileAt = (seen: Seen, tree: Tree, path: string): Node & { file: NonNullable<Node['file']> } => {
    const node = nodeAt(seen, tree, path);
    const file = node === 'root' ? undefined : node.file;
    if (node === 'root' || node.kind === 'folder' || !file) throw lookup('not_file');
    return { ...node, file };
  };

  const childrenOf = (seen: Seen, tree: Tree, path: string, recursive: boolean): Node[] => {
    const folder = nodeAt(seen, tree, path);
    if (folder !== 'root' && folder.kind !== 'folder') throw lookup('not_folder');
    if (folder !== 'root' && folder.file?.canDownload === false) throw lookup('not_found');
    const lower = folder === 'root' ? '' : folder.lower;
    const found = recursive
      ? [...tree.byLower.values()].filter((node) => node.lower.startsWith(`${lower}/`))
      : tree.childrenOf(lower);
    return [...found].sort((a, b) => (a.lower < b.lower ? -1 : 1));
  };

  /** A cursor is bound to the account, the root and the call it came from. */
  const cursorFor = (seen: Seen, tree: Tree, data: Record<string, string>): string =>
    mint.sign({
      kind: 'page',
      grantId: '',
      accountId: seen.account.id,
      scopes: [],
      data: { ...data, root: tree.namespaceId },
    });
  const placeOf = (req: Request, seen: Seen, tree: Tree, of: string, cursor: string): Record<string, string> => {
    const grant = mint.verify('page', cursor);
    if (grant?.accountId !== seen.account.id || grant.data?.of !== of)
      throw misunderstood(req, 'Invalid "cursor" parameter.');
    if (grant.data.root !== tree.namespaceId) throw new Refusal(409, tags('reset'));
    return grant.data;
  };

  const listPage = async (seen: Seen, tree: Tree, place: Record<string, string>): Promise<unknown> => {
    const nodes = childrenOf(seen, tree, place.path ?? '', place.recursive === 'true');
    const odd = deps.oddPages();
    const from = Number(place.from ?? 0);
    const isEmpty = odd && from > 0 && place.gap !== 'done';
    const to = isEmpty ? from : from + Number(place.limit) + (odd ? 1 : 0);
    const entries = await Promise.all(nodes.slice(from, to).map(metadataOf));
    const next = { ...place, from: String(Math.min(to, nodes.length)), gap: isEmpty ? 'done' : '' };
    return { entries, cursor: cursorFor(seen, tree, next), has_more: to < nodes.length };
  };

  const listFolder = async (req: Request, res: Response): Promise<void> => {
    const arg = bodyArg(req, listFolderArg);
    const seen = seenFor(req, 'files.metadata.read');
    const limit = String(arg.limit ?? USUAL_PAGE);
    const place = { of: 'list', path: arg.path, recursive: String(arg.recursive ?? false), limit };
    res.json(await listPage(seen, treeFor(req, seen), place));
  };

  const listFolderContinue = async (req: Request, res: Response): Promise<void> => {
    const { cursor } = bodyArg(req, cursorArg);
    const seen = seenFor(req, 'files.metadata.read');
    const tree = treeFor(req, seen);
    const place = placeOf(req, seen, tree, 'list', cursor);
    res.json(await (place.since === undefined ? listPage : changesPage)(seen, tree, place));
  };

  const logs = new Map<string, ChangeLog<Node>>();
  /** What happens below a path of a space, for one account. */
  const logOf = (seen: Seen, tree: Tree, path: string, recursive: boolean): ChangeLog<Node> => {
    const key = JSON.stringify([seen.accountId, tree.namespaceId, path, recursive]);
    let log = logs.get(key);
    if (!log) {
      const see = (): Map<string, Node> => {
        const now = deps.seenBy(seen.account.id);
        const there = now.root.namespaceId === tree.namespaceId ? now.root : now.home;
        return new Map(childrenOf(now, there, path, recursive).map((node) => [node.path, node]));
      };
      log = createChangeLog(see, ({ id, file }) => JSON.stringify([id, file?.version, file?.canDownload]));
      logs.set(key, log);
    }
    return log;
  };

  const latestCursor = (req: Request, res: Response): void => {
    const arg = bodyArg(req, listFolderArg);
    const seen = seenFor(req, 'files.metadata.read');
    const tree = treeFor(req, seen);
    const recursive = arg.recursive ?? false;
    const place = {
      of: 'list',
      path: arg.path,
      recursive: String(recursive),
      limit: String(arg.limit ?? USUAL_PAGE),
      since: String(logOf(seen, tree, arg.path, recursive).position()),
    };
    res.json({ cursor: cursorFor(seen, tree, place) });
  };

  /** What changed since a cursor was the latest; deletions without more than a place, and a new place of the same id as an entry. */
  const changesPage = async (seen: Seen, tree: Tree, place: Record<string, string>): Promise<unknown> => {
    const log = logOf(seen, tree, place.path ?? '', place.recursive === 'true');
    const page = log.since(Number(place.since), Number(place.limit));
    if (!page) throw new Refusal(409, tags('reset'));
    const entries = await Promise.all(
      page.entries.map(async ({ gone, value }) =>
        gone
          ? { '.tag': 'deleted', name: value.name, path_lower: value.lower, path_display: value.path }
          : metadataOf(value),
      ),
    );
    const cursor = cursorFor(seen, tree, { ...place, since: String(page.position) });
    return { entries, cursor, has_more: page.more };
  };

  const getMetadata = async (req: Request, res: Response): Promise<void> => {
    const { path } = bodyArg(req, metadataArg);
    const seen = seenFor(req, 'files.metadata.read');
    const node = nodeAt(seen, treeFor(req, seen), path);
    if (node === 'root') throw misunderstood(req, 'request body: path: The root folder is unsupported.');
    res.json(await metadataOf(node));
  };

  const searchPage = async (seen: Seen, tree: Tree, place: Record<string, string>): Promise<unknown> => {
    const words = wordsOf(place.query ?? '');
    const nodes = childrenOf(seen, tree, place.path ?? '', true);
    const found = nodes.flatMap((node) => {
      const inName = matches(node.name, words);
      const inText = place.namesOnly !== 'true' && matches(node.file?.text ?? '', words);
      const type = inName && inText ? 'filename_and_content' : inName ? 'filename' : 'file_content';
      return inName || inText ? [{ node, type }] : [];
    });
    const most = Math.min(found.length, MOST_MATCHES);
    const from = Number(place.from ?? 0);
    const size = Number(place.limit);
    const hasMore = from + size < most;
    const page = await Promise.all(
      found.slice(from, Math.min(from + size, most)).map(async ({ node, type }) => ({
        metadata: { '.tag': 'metadata', metadata: await metadataOf(node) },
        match_type: tags(type),
      })),
    );
    // Pages may repeat what the one before had.
    const next = String(from + size - (size > 1 ? 1 : 0));
    return {
      matches: page,
      has_more: hasMore,
      ...(hasMore ? { cursor: cursorFor(seen, tree, { ...place, from: next }) } : {}),
    };
  };

  const search = async (req: Request, res: Response): Promise<void> => {
    const { query, options } = bodyArg(req, searchArg);
    const seen = seenFor(req, 'files.metadata.read');
    const place = {
      of: 'search',
      query,
      path: options?.path ?? '',
      limit: String(options?.max_results ?? USUAL_MATCHES),
      namesOnly: String(options?.filename_only ?? false),
    };
    res.json(await searchPage(seen, treeFor(req, seen), place));
  };

  const searchContinue = async (req: Request, res: Response): Promise<void> => {
    const { cursor } = bodyArg(req, cursorArg);
    const seen = seenFor(req, 'files.metadata.read');
    const tree = treeFor(req, seen);
    res.json(await searchPage(seen, tree, placeOf(req, seen, tree, 'search', cursor)));
  };

  const sendContent = (req: Request, res: Response, bytes: Buffer, result: unknown): void => {
    res.set('dropbox-api-result', headerJson(result)).set('content-type', 'application/octet-stream');
    deps.send(req, res, bytes);
  };

  const download = async (req: Request, res: Response): Promise<void> => {
    const { path } = headerArg(req, downloadArg);
    const seen = seenFor(req, 'files.content.read');
    const node = fileAt(seen, treeFor(req, seen), path);
    if (node.file.native) throw new Refusal(409, tags('unsupported_file'));
    if (node.file.shortcutTo) throw lookup('unsupported_content_type');
    if (node.file.canDownload === false) throw lookup('restricted_content');
    sendContent(req, res, await node.file.bytes(), await untagged(node));
  };

  const exportFile = async (req: Request, res: Response): Promise<void> => {
    const { path, export_format: wanted } = headerArg(req, exportArg);
    const seen = seenFor(req, 'files.content.read');
    const node = fileAt(seen, treeFor(req, seen), path);
    const formats = exportFormats(node.file);
    const format = wanted ?? formats[0];
    if (!node.file.native || format === undefined) throw new Refusal(409, tags('non_exportable'));
    if (!formats.includes(format)) throw new Refusal(409, tags('invalid_export_format'));
    if (node.file.canDownload === false) throw lookup('restricted_content');
    const bytes = await exported(node.file, format);
    const hash = createContentHash();
    hash.update(bytes);
    const extension = format === 'markdown' ? 'md' : format;
    sendContent(req, res, bytes, {
      export_metadata: { name: `${node.file.name}.${extension}`, size: bytes.length, export_hash: hash.digest() },
      file_metadata: await untagged(node),
    });
  };

  const currentAccount = (req: Request, res: Response): void => {
    noArg(req);
    res.json(fullAccount(seenFor(req, 'account_info.read')));
  };

  const revoke = (req: Request, res: Response): void => {
    noArg(req);
    deps.endGrant(deps.grantOf(req));
    res.json(null);
  };

  const echo = (req: Request, res: Response): void => {
    const { query = '' } = bodyArg(req, echoArg);
    seenFor(req, 'account_info.read');
    res.json({ result: query });
  };

  const router = express.Router();
  // Read as text, because Dropbox is particular about content types.
  router.use('/2', express.text({ type: () => true, limit: '1mb' }));
  router.post('/2/users/get_current_account', currentAccount);
  router.post('/2/auth/token/revoke', revoke);
  router.post('/2/check/user', echo);
  router.post('/2/files/list_folder', listFolder);
  router.post('/2/files/list_folder/continue', listFolderContinue);
  router.post('/2/files/list_folder/get_latest_cursor', latestCursor);
  router.post('/2/files/get_metadata', getMetadata);
  router.post('/2/files/search_v2', search);
  router.post('/2/files/search/continue_v2', searchContinue);
  router.post('/2/files/download', download);
  router.post('/2/files/export', exportFile);
  router.use((error: unknown, _req: Request, res: Response, next: (error: unknown) => void) => {
    if (error instanceof Refusal) sendRefusal(res, error);
    else next(error);
  });
  return router;
}

function fail(tag: string): never {
  throw lookup(tag);
}

const wordsOf = (text: string): string[] => lowerOf(text).match(/[\p{L}\p{N}]+/gu) ?? [];

/** Every word begins a word of the text; signs count for nothing. */
function matches(text: string, words: string[]): boolean {
  if (words.length === 0) return false;
  const there = wordsOf(text);
  return words.every((word) => there.some((candidate) => candidate.startsWith(word)));
}
