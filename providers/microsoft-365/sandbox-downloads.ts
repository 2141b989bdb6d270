import express, { type Request, type Response, type Router } from 'express';
import { mediaTypeOf } from '../media-types.ts';
import type { SandboxAccount } from '../sandbox/sandbox-files.ts';
import type { TokenMint } from '../sandbox/token-mint.ts';
import type { SandboxStore } from './sandbox-store.ts';

/**
 * The host that downloads are redirected to: its addresses carry all the right to read that is needed, so that a request with an
 * Authorization header is refused.
 */
export function createSandboxDownloads(deps: {
  accounts: SandboxAccount[];
  store: SandboxStore;
  mint: TokenMint;
  /** How the bytes of an answer go out. */
  send(req: Request, res: Response, bytes: Buffer): void;
}): Router {
  const send = async (req: Request, res: Response): Promise<void> => {
    const refuse = (status: number, text: string): void => void res.status(status).type('html').send(`<p>${text}</p>`);
    if (req.get('authorization') !== undefined) return refuse(401, 'This address takes no Authorization header.');
    const link = mintedLink(deps.mint, req.query.tempauth);
    const account = deps.accounts.find(({ id }) => id === link?.accountId);
    if (!link || !account) return refuse(401, 'The address has run out.');
    const { driveId = '', itemId = '' } = link.data ?? {};
    const entry = deps.store.view(account).drives.get(driveId)?.entries.get(itemId);
    if (!entry?.file) return refuse(404, 'There is no such file.');
    const bytes = await entry.file.bytes();
    const type = entry.file.native ? entry.file.mediaType : mediaTypeOf(entry.name);
    res.set('content-type', type);
    res.set('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(entry.name)}`);
    deps.send(req, res, bytes);
  };
  const router = express.Router();
  router.get('/download.aspx', send);
  return router;
}

function mintedLink(mint: TokenMint, tempauth: unknown): ReturnType<TokenMint['verify']> {
  return typeof tempauth === 'string' ? mint.verify('page', tempauth) : undefined;
}
