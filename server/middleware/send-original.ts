import { pipeline } from 'node:stream/promises';
import type { Request, Response } from 'express';
import { AppError } from '../errors.ts';
import { safeMediaType } from '../media-type.ts';
import type { OpenedOriginal } from '../services/original-service.ts';

/**
 * Streams an original as a download. It comes from outside, so no browser may show or run it as a page of this hub. One range of bytes is
 * answered with 206, where `If-Range` allows it. Errors: AppError 416 `range_not_satisfiable`; those of `read`; a download that breaks off ends the connection.
 */
export async function sendOriginal(req: Request, res: Response, original: OpenedOriginal): Promise<void> {
  const { fileName, mediaType, sizeBytes, contentHash } = original;
  const etag = `"${contentHash}"`;
  const range = rangeOf(req, sizeBytes, etag);
  if (range === 'impossible') {
    res.set('Content-Range', `bytes */${sizeBytes}`);
    throw new AppError(
      416,
      'range_not_satisfiable',
      `The file has ${sizeBytes} bytes, and the range is outside of them.`,
    );
  }
  const abort = new AbortController();
  res.on('close', () => abort.abort());
  const stream = req.method === 'HEAD' ? undefined : await original.read({ signal: abort.signal, range });
  res.attachment(fileName);
  res.set({
    'Content-Length': String(range ? range.end - range.start + 1 : sizeBytes),
    'Content-Security-Policy': "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; sandbox",
    'X-Content-Type-Options': 'nosniff',
    // As it is: compressed on the way it would have another length.
    'Cache-Control': 'private, no-store, no-transform',
    'Accept-Ranges': 'bytes',
    ETag: etag,
  });
  // Not by `set`, which adds a charset that nobody knows.
  res.setHeader('Content-Type', safeMediaType(mediaType));
  if (range) res.status(206).set('Content-Range', `bytes ${range.start}-${range.end}/${sizeBytes}`);
  if (!stream) {
    res.end();
    return;
  }
  try {
    await pipeline(stream, res);
  } catch (error) {
    // Who left needs no answer, and the connection tells the others that it is not whole.
    if (!abort.signal.aborted) req.log?.warn({ err: error }, 'the download of an original broke off');
    res.destroy();
  }
}

/** The one range that is asked for; undefined for the whole, also where several are asked for. */
function rangeOf(
  req: Request,
  sizeBytes: number,
  etag: string,
): { start: number; end: number } | 'impossible' | undefined {
  const ifRange = req.get('if-range');
  if (ifRange !== undefined && ifRange !== etag) return undefined;
  const ranges = req.range(sizeBytes);
  if (ranges === -1) return 'impossible';
  if (ranges === undefined || ranges === -2 || ranges.type !== 'bytes' || ranges.length !== 1) return undefined;
  return ranges[0];
}
