import express, { type Request, type Response, type Router } from 'express';
import type { TokenMint } from '../sandbox/token-mint.ts';
import type { MediaFile } from './sandbox-world.ts';

export type SandboxMedia = {
  router: Router;
  urlOf: (file: MediaFile) => string;
};

/**
 * The host that gives out files: to everybody who has an address with a token in it, which runs out soon. It wants no credentials.
 */
export function createSandboxMedia(deps: {
  mint: TokenMint;
  baseUrl(): string;
  lifetimeMs(): number;
  send: (req: Request, res: Response, bytes: Buffer) => void;
}): SandboxMedia {
  const { mint } = deps;
  const files = new Map<string, MediaFile>();

  const router = express.Router();
  router.get('/file/:id/binary', async (req, res) => {
    const token = typeof req.query.token === 'string' ? req.query.token : '';
    const file = mint.verify('page', token)?.data?.id === req.params.id ? files.get(req.params.id) : undefined;
    if (!file) {
      const error = {
        code: 'JwtAuthoriser:TokenExpiredError',
        title: 'jwt expired',
        href: 'https://media.example/errors',
      };
      return void res.status(403).json({ error });
    }
    const { name, mediaType, bytes } = file;
    res.set('content-type', mediaType);
    res.set('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(name)}`);
    deps.send(req, res, Buffer.isBuffer(bytes) ? bytes : await bytes());
  });

  return {
    router,
    urlOf(file) {
      files.set(file.id, file);
      const expiresAt = Date.now() + deps.lifetimeMs();
      const token = mint.sign({
        kind: 'page',
        grantId: '',
        accountId: '',
        scopes: [],
        expiresAt,
        data: { id: file.id },
      });
      const query = new URLSearchParams({ token, client: 'sandbox', name: file.name });
      return `${deps.baseUrl()}/file/${file.id}/binary?${query.toString()}`;
    },
  };
}
