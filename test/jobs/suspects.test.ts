import { expect } from 'chai';
import { createWorkroom } from '../../server/jobs/suspects.ts';

describe('the room where files are worked on', () => {
  const { signal } = new AbortController();
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it('has files side by side, and one that must be alone has it to itself', async () => {
    const room = createWorkroom();
    const seen: string[] = [];
    const enter = async (name: string, alone: boolean) => {
      const leave = await room.enter({ alone, signal });
      seen.push(name);
      return leave;
    };
    const first = await enter('first', false);
    const second = await enter('second', false);
    const suspect = enter('suspect', true);
    const third = enter('third', false);
    await settled();
    first();
    await settled();
    expect(seen).to.deep.equal(['first', 'second']);
    second();
    const leaveAlone = await suspect;
    await settled();
    expect(seen).to.deep.equal(['first', 'second', 'suspect']);
    leaveAlone();
    (await third)();
    expect(seen).to.deep.equal(['first', 'second', 'suspect', 'third']);
  });

  it('lets those go on that waited behind one who gave up', async () => {
    const room = createWorkroom();
    const leave = await room.enter({ alone: false, signal });
    const stopping = new AbortController();
    const suspect = room.enter({ alone: true, signal: stopping.signal }).catch((error: Error) => error.message);
    const behind = room.enter({ alone: false, signal });
    stopping.abort(new Error('the worker is stopping'));
    expect(await suspect).to.equal('the worker is stopping');
    (await behind)();
    leave();
    (await room.enter({ alone: true, signal }))();
  });

  it('is closed to one who has given up already', async () => {
    const room = createWorkroom();
    const error = await room.enter({ alone: true, signal: AbortSignal.abort(new Error('too late')) }).catch((e) => e);
    expect(error).to.have.property('message', 'too late');
    (await room.enter({ alone: true, signal }))();
  });
});
