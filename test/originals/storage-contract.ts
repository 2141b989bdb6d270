import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, open as openFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import { OriginalError, type OriginalLabels, type OriginalStorage } from '../../server/originals/originals.ts';

export const LABELS: OriginalLabels = {
  title: 'Winter “Fähre” 港.pdf',
  source: 'google_drive',
  pageId: 'file:1VxFY7',
  url: 'https://drive.example/d/1?q=ä&x=1',
  mediaType: 'application/pdf',
};

const LARGE_BYTES = (process.env.PROOFS === 'all' ? 300 : 160) * 1_048_576;
const MOST_GROWTH_BYTES = 100 * 1_048_576;

/** What every storage of originals does, in the same way. */
export function itKeepsOriginals(open: () => OriginalStorage): void {
  const never = new AbortController().signal;
  let storage: OriginalStorage;
  let folder: string;
  before(async () => {
    storage = open();
    folder = await mkdtemp(path.join(os.tmpdir(), 'tributary-originals-'));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  async function put(bytes: Buffer, name: string = randomUUID()): Promise<string> {
    const file = path.join(folder, 'content');
    await writeFile(file, bytes);
    await storage.put(name, file, LABELS, { signal: never });
    return name;
  }
  const bytesOf = async (name: string, range?: { start: number; end: number }) =>
    buffer(await storage.open(name, { signal: never, range }));
  async function names(): Promise<string[]> {
    const found: string[] = [];
    for await (const { name } of storage.list()) found.push(name);
    return found;
  }
  const problemOf = async (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => undefined,
      (error: unknown) => (error instanceof OriginalError ? error.kind : error),
    );

  it('gives back what was put, whole or in part, and puts another in its place', async () => {
    const bytes = randomBytes(70_000);
    const name = await put(bytes);
    expect((await bytesOf(name)).equals(bytes)).to.equal(true);
    expect((await bytesOf(name, { start: 10, end: 19 })).equals(bytes.subarray(10, 20))).to.equal(true);
    await put(Buffer.from('other'), name);
    expect((await bytesOf(name)).toString()).to.equal('other');
  });

  it('names what it holds, removes it, and takes a second removal for done', async () => {
    const [one, other] = [await put(Buffer.from('one')), await put(Buffer.from('other'))];
    expect(await names()).to.include.members([one, other]);
    await storage.remove(one);
    await storage.remove(one);
    expect(await names())
      .to.include(other)
      .and.not.to.include(one);
    expect(await problemOf(bytesOf(one))).to.equal('missing');
  });

  it('leaves nothing of what is given up on the way', async () => {
    const file = path.join(folder, 'content');
    await writeFile(file, randomBytes(20 * 1_048_576));
    const abort = new AbortController();
    const name = randomUUID();
    const put = storage.put(name, file, LABELS, { signal: abort.signal });
    const reason = new Error('given up');
    abort.abort(reason);
    expect(await problemOf(put)).to.equal(reason);
    expect(await names()).not.to.include(name);
  });

  it('streams a large file both ways, in little memory', async function () {
    this.timeout(300_000);
    const file = path.join(folder, 'large');
    const hash = createHash('sha256');
    const handle = await openFile(file, 'w');
    const block = randomBytes(1_048_576);
    for (let at = 0; at < LARGE_BYTES / block.length; at++) {
      block.writeUInt32LE(at);
      hash.update(block);
      await handle.write(block);
    }
    await handle.close();
    const before = process.memoryUsage().rss;
    let most = before;
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss)), 20);
    const name = randomUUID();
    await storage.put(name, file, LABELS, { signal: never });
    const back = createHash('sha256');
    for await (const part of await storage.open(name, { signal: never })) back.update(part as Buffer);
    clearInterval(watch);
    expect(back.digest('hex')).to.equal(hash.digest('hex'));
    const growth = most - before;
    expect(growth).to.be.below(MOST_GROWTH_BYTES);
    await storage.remove(name);
  });
}
