import { createChatModel } from '../ask/chat.ts';
import type { Config } from '../config.ts';
import { createEgress, hostsOf } from '../egress/egress.ts';
import { createLogger } from '../logger.ts';
import { modelHosts } from '../model-config.ts';
import { fail, ok, type Finding } from './finding.ts';
import { reasonOf } from './reason.ts';

/** One word is asked for: that shows whether the model's server can be reached, takes the key, has the model, and streams. */
export async function checkChat(config: Config): Promise<Finding> {
  if (!config.chat) return ok('chat model', 'none; questions are answered by extracts. CHAT_MODEL is not set');
  const vendorHosts = modelHosts(config);
  const egress = createEgress({ allowedHosts: hostsOf(config, vendorHosts), vendorHosts });
  try {
    const model = createChatModel(config.chat, { fetch: egress.fetch, logger: createLogger({ logLevel: 'silent' }) });
    const pieces = model.answer(
      [{ role: 'user', content: 'Answer with the word: ready' }],
      AbortSignal.timeout(30_000),
    );
    for await (const _piece of pieces);
    return ok('chat model', `${model.name}, which answers`);
  } catch (error) {
    return fail('chat model', `cannot be used: ${reasonOf(error)}`);
  } finally {
    await egress.close();
  }
}
