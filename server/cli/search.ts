import { checked } from '../api/input.ts';
import { searchRequest } from '../api/schemas.ts';
import { openDesk } from './desk.ts';
import { asUsage } from './imports.ts';
import { UsageError, type Flags, type Io, type Result } from './io.ts';

/** Characters of a passage that a person is shown. */
const SHOWN = 300;

/** `search`: passages that fit the words, best first. Errors: UsageError, CommandError. */
export async function searchDocuments(io: Io, flags: Flags, words: string[]): Promise<Result> {
  if (words.length === 0) throw new UsageError('The words to search for are missing.');
  const { limit } = flags;
  if (typeof limit === 'string' && !/^\d{1,3}$/.test(limit))
    throw new UsageError('--limit must be a whole number from 1 to 50.');
  const body = asUsage(() =>
    checked(searchRequest, {
      query: words.join(' '),
      limit: limit === undefined ? undefined : Number(limit),
      mode: flags.mode,
      platform: flags.platform,
    }),
  );
  const desk = await openDesk(io, flags, 'read');
  try {
    const answer = await desk.search(body);
    return {
      lines:
        answer.results.length === 0
          ? ['Nothing was found.']
          : answer.results.flatMap(({ title, path, page, text, url }, at) => [
              `${at + 1}. ${title}${page === null ? '' : `, page ${page}`}`,
              `   ${path}${url === null ? '' : `  ${url}`}`,
              `   ${shortened(text)}`,
            ]),
      note: answer.notice,
      json: answer,
    };
  } finally {
    await desk.close();
  }
}

function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length > SHOWN ? `${line.slice(0, SHOWN).replace(/\s\S*$/, '')} …` : line;
}
