import type { ChatModel } from '../ask/chat.ts';
import type { Embedder } from '../pipeline/embed/embedder.ts';
import type { UsageService } from '../services/usage-service.ts';
import type { Scrape } from './scrape.ts';

/** Sees to it that what models count is kept and told. The built-in embedder costs nothing, so of it nothing is kept. */
export function watchModels(
  models: { embedder: Embedder; isBuiltIn: boolean; chat?: ChatModel },
  told: { usage: UsageService; scrape: Scrape },
): void {
  const { embedder, isBuiltIn, chat } = models;
  const embedding = () => ({
    requests: embedder.counts.requests,
    tokensIn: embedder.counts.tokens,
    tokensOut: 0,
  });
  told.scrape.watchModel('embedding', embedder.id, embedding);
  if (!isBuiltIn) told.usage.watch('embedding', embedder.id, embedding);
  if (!chat) return;
  const answers = () => ({
    requests: chat.counts.requests,
    tokensIn: chat.counts.promptTokens,
    tokensOut: chat.counts.answerTokens,
  });
  told.scrape.watchModel('answers', chat.name, answers);
  told.usage.watch('answers', chat.name, answers);
}
