import { expect } from 'chai';
import { pino } from 'pino';
import { createUsageService } from '../../server/services/usage-service.ts';
import { onEachDatabase } from '../helpers/database.ts';
import { waitFor } from '../helpers/wait.ts';

const logger = pino({ level: 'silent' });

onEachDatabase('what models were asked for', (open) => {
  it('is added up over processes and restarts, with its cost', async () => {
    const database = await open();
    try {
      const [one, other] = [
        { requests: 2, tokensIn: 500, tokensOut: 0 },
        { requests: 0, tokensIn: 0, tokensOut: 0 },
      ];
      const prices = { embedding: 0.02, chatInput: 2 };
      const first = createUsageService({ database, prices, logger, keepEveryMs: 10 });
      // What stands there when a model begins to be watched was counted before.
      first.watch('embedding', 'a model', () => one);
      const second = createUsageService({ database, prices: { ...prices, chatOutput: 10 }, logger });
      second.watch('embedding', 'a model', () => other);
      const chat = { requests: 0, tokensIn: 0, tokensOut: 0 };
      second.watch('answers', 'another model', () => chat);
      one.requests = 5;
      one.tokensIn = 1_500_500;
      await waitFor('the first process keeps its counts', async () => (await first.lastDays(1)).length > 0);
      one.requests = 6;
      Object.assign(other, { requests: 1, tokensIn: 500_000 });
      Object.assign(chat, { requests: 3, tokensIn: 1_000_000, tokensOut: 100_000 });
      await Promise.all([first.close(), second.close()]);
      const embedded = {
        purpose: 'embedding',
        model: 'a model',
        requests: 5,
        tokensIn: 2_000_000,
        tokensOut: 0,
        cost: 0.04,
      };
      const answered = {
        purpose: 'answers',
        model: 'another model',
        requests: 3,
        tokensIn: 1_000_000,
        tokensOut: 100_000,
      };
      expect(await second.lastDays(30)).to.deep.equal([embedded, { ...answered, cost: 3 }]);
      // A price of one half alone tells no cost.
      expect(await first.lastDays(30)).to.deep.equal([embedded, { ...answered, cost: undefined }]);
      await database.knex('model_usage').update({ day: database.knex.raw(`day - 30`) });
      expect(await first.lastDays(30)).to.deep.equal([]);
    } finally {
      await database.close();
    }
  });

  it('is kept the next time where the database could not take it', async () => {
    const database = await open();
    try {
      const counts = { requests: 0, tokensIn: 0, tokensOut: 0 };
      const usage = createUsageService({ database, prices: {}, logger, keepEveryMs: 10 });
      usage.watch('embedding', 'a model', () => counts);
      await database.knex.raw('alter table model_usage rename to elsewhere');
      counts.requests = 4;
      await usage.close();
      await database.knex.raw('alter table elsewhere rename to model_usage');
      await usage.close();
      expect((await usage.lastDays(1)).map(({ requests }) => requests)).to.deep.equal([4]);
    } finally {
      await database.close();
    }
  });
});
