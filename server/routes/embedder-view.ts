import { formatCount, plural } from '../format.ts';
import { nameEmbedder } from '../pipeline/embed/embedder-id.ts';
import type { EmbedderService } from '../services/embedder-service.ts';
import type { User } from '../services/user-service.ts';

/** How far the hub is on its way to another embedder, in sentences for admins. */
export type EmbedderView = {
  text: string;
  /** Why it does not go on, and what to do. */
  problem?: string;
};

/** What an admin is told of a change under way; others are not, and need not do anything. */
export async function embedderViewFor(user: User, embedders: EmbedderService): Promise<EmbedderView | undefined> {
  const change = user.role === 'admin' ? await embedders.change() : undefined;
  if (!change) return undefined;
  const { from, to, isFormerAskable, done, total, refused, problem } = change;
  const sentences = [
    `Search is moving to ${nameEmbedder(to)}: ${formatCount(done)} of ${plural(total, 'passage')}.`,
    isFormerAskable
      ? `Until it is done, searches compare with the vectors of ${nameEmbedder(from)}.`
      : `Until it is done, searches compare words alone, since ${nameEmbedder(from)} cannot be asked any more.`,
    ...(refused > 0 ? [`The model does not take ${plural(refused, 'passage')}; words still find them.`] : []),
  ];
  return { text: sentences.join(' '), problem };
}
