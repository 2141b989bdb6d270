import type { Request, RequestHandler } from 'express';
import type { AtlassianWorld } from '../atlassian/sandbox-world.ts';
import { Refusal } from './sandbox-refusal.ts';
import { one, rangeOf } from './sandbox-requests.ts';
import type { Seen, SeenBy } from './sandbox-seen.ts';
import type { JiraAttachment } from './sandbox-state.ts';

const UPLOAD_LIMIT = 1_000_000_000;

/** The calls for attachments: what they are, and their bytes by a redirect or at once. */
export function createJiraAttachments(
  world: AtlassianWorld,
  seenBy: SeenBy,
): { meta: RequestHandler; details: RequestHandler; content: RequestHandler } {
  const attachmentOf = (req: Request, { state, view }: Seen): JiraAttachment => {
    const id = String(req.params.id);
    const found = view.issues.flatMap(({ attachments }) => attachments).find((attachment) => attachment.id === id);
    if (!found || !state.attachmentsEnabled) throw new Refusal(404, `The attachment with id '${id}' does not exist`);
    return found;
  };

  return {
    meta: (req, res) => void res.json({ enabled: seenBy(req).state.attachmentsEnabled, uploadLimit: UPLOAD_LIMIT }),

    details(req, res) {
      const seen = seenBy(req);
      res.json(seen.wire.attachment(attachmentOf(req, seen)));
    },

    content(req, res) {
      const { mediaId, filename, mimeType, bytes } = attachmentOf(req, seenBy(req));
      if (one(req, 'redirect') !== 'false') {
        const location = world.mediaUrl({ id: mediaId, name: filename, mediaType: mimeType, bytes });
        return void res.status(303).set({ location }).end();
      }
      const range = rangeOf(req, bytes.length);
      res.set({ 'content-type': mimeType, 'accept-ranges': 'bytes' });
      if (!range) return world.send(req, res, bytes);
      res.status(206).set('content-range', `bytes ${range.first}-${range.last}/${bytes.length}`);
      world.send(req, res, bytes.subarray(range.first, range.last + 1));
    },
  };
}
